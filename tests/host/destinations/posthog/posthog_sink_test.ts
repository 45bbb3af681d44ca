/**
 * Proves that the destination `posthog` sends batches, history and recordings in order, and isolates the events that
 * PostHog refuses. The last test waits 200 real milliseconds, the sink's time limit there, for an answer that never
 * comes.
 */

import assert from "node:assert/strict";
import { TryLaterError } from "../../../../host/consumers/sink.ts";
import { posthogOptions } from "../../../../host/destinations/posthog/posthog_options.ts";
import { PosthogSink } from "../../../../host/destinations/posthog/posthog_sink.ts";
import { HttpReceiver, type ReceivedRequest } from "../../../kit/servers/http_receiver.ts";
import { manyRecords, storedRecords, storedText } from "../../../kit/stored_records.ts";

const signal = new AbortController().signal;

const taken = () => Response.json({ status: 1 });

function sinkTo(receiver: { url: string }, options: Record<string, unknown> = {}): PosthogSink {
  return new PosthogSink(posthogOptions.parse({ host: receiver.url, api_key: "phc_there", ...options }));
}

function uuids({ text }: ReceivedRequest): string[] {
  return JSON.parse(text).batch.map(({ uuid }: { uuid: string }) => uuid);
}

/** UUIDs in the order in which a far side that drops repeats would have stored them. */
function stored(requests: ReceivedRequest[]): string[] {
  return [...new Set(requests.flatMap(uuids))];
}

const uuidsOf = (records: { event: Uint8Array }[]) =>
  records.map(({ event }) => JSON.parse(new TextDecoder().decode(event)).uuid);

Deno.test("PosthogSink posts a batch to /batch/ with that project's key, gzipped, without sent_at", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo(receiver);
  const records = manyRecords(3);
  assert.deepEqual(await sink.deliver(records, signal), []);
  const [request] = receiver.requests;
  assert.ok(request && receiver.requests.length === 1);
  assert.equal(request.path, "/batch/");
  assert.equal(request.headers.get("content-encoding"), "gzip");
  assert.equal(request.headers.get("content-type"), "application/json");
  const body = JSON.parse(request.text);
  assert.deepEqual(Object.keys(body), ["api_key", "batch"]);
  assert.equal(body.api_key, "phc_there");
  assert.deepEqual(uuids(request), uuidsOf(records));
});

Deno.test("PosthogSink keeps a path in the host, and can send plain history", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo({ url: `${receiver.url}/ingest/` }, { gzip: false, historical_migration: true });
  await sink.deliver(manyRecords(1), signal);
  assert.equal(receiver.requests[0]?.path, "/ingest/batch/");
  assert.equal(receiver.requests[0]?.headers.get("content-encoding"), null);
  assert.equal(JSON.parse(receiver.requests[0]?.text ?? "").historical_migration, true);
});

Deno.test("PosthogSink sends what came as history in requests of their own, in order", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo(receiver);
  const records = storedRecords([{}, { historical_migration: true }, { historical_migration: true }, {}]);
  await sink.deliver(records, signal);
  const bodies = receiver.requests.map(({ text }) => JSON.parse(text));
  assert.deepEqual(bodies.map(({ historical_migration, batch }) => [historical_migration, batch.length]), [
    [undefined, 1],
    [true, 2],
    [undefined, 1],
  ]);
  assert.ok(bodies.every(({ batch }) => batch.every((event: object) => !("historical_migration" in event))));
  assert.deepEqual(receiver.requests.flatMap(uuids), uuidsOf(records));
});

Deno.test("PosthogSink posts session recordings to /s/, one by one, the rest around them in order", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo(receiver);
  await sink.deliver(
    storedRecords([{}, {}, { event: "$snapshot" }, { event: "$snapshot" }, {}]),
    signal,
  );
  assert.deepEqual(receiver.requests.map((request) => [request.path, uuids(request).length]), [
    ["/batch/", 2],
    ["/s/", 1],
    ["/s/", 1],
    ["/batch/", 1],
  ]);
});

Deno.test("PosthogSink rejects a recording that the far side has no place for, and goes on", async () => {
  await using receiver = new HttpReceiver(({ path }) => path === "/s/" ? new Response(null, { status: 404 }) : taken());
  await using sink = sinkTo(receiver);
  assert.deepEqual(await sink.deliver(storedRecords([{}, { event: "$snapshot" }, {}]), signal), [
    { index: 1, reason: `${receiver.url} answered 404 at /s/` },
  ]);
  assert.equal(receiver.requests.length, 3);
});

Deno.test("PosthogSink tries later on 408, 429, 5xx and on a redirect, a bad key or a wrong path", async () => {
  const statuses = [301, 302, 308, 401, 403, 404, 408, 410, 429, 500, 502, 503, 504];
  for (const status of statuses) {
    await using receiver = new HttpReceiver(() => new Response("no phc_there", { status }));
    await using sink = sinkTo(receiver);
    await assert.rejects(sink.deliver(manyRecords(10), signal), (error) => {
      assert.ok(error instanceof TryLaterError);
      assert.equal(error.retryAfterMs, undefined);
      assert.ok(error.message.startsWith(`${receiver.url} answered ${status} (no ***)`), error.message);
      return true;
    });
    assert.equal(receiver.requests.length, 1);
    receiver.answer = taken;
    assert.deepEqual(await sink.deliver(manyRecords(10), signal), []);
  }
});

Deno.test("PosthogSink passes on the time that Retry-After names", async () => {
  for (const status of [429, 500, 503]) {
    await using receiver = new HttpReceiver(() => new Response(null, { status, headers: { "retry-after": "17" } }));
    await using sink = sinkTo(receiver);
    await assert.rejects(
      sink.deliver(manyRecords(10), signal),
      (error) => error instanceof TryLaterError && error.retryAfterMs === 17_000,
    );
  }
});

Deno.test("PosthogSink finds the one event among 500 that is answered with 400", async () => {
  const poison = uuidsOf(manyRecords(500))[123];
  await using receiver = new HttpReceiver((request) =>
    uuids(request).includes(poison) ? new Response("invalid uuid", { status: 400 }) : taken()
  );
  await using sink = sinkTo(receiver);
  const records = manyRecords(500);
  assert.deepEqual(await sink.deliver(records, signal), [
    { index: 123, reason: `${receiver.url} answered 400 (invalid uuid)` },
  ]);
  const good = receiver.requests.filter((request) => !uuids(request).includes(poison));
  assert.deepEqual(good.flatMap(uuids), uuidsOf(records).filter((uuid) => uuid !== poison));
});

Deno.test("PosthogSink halves a batch on 413, and rejects an event that is too large alone", async () => {
  await using receiver = new HttpReceiver(({ text }) =>
    text.length > 5_000 ? new Response("too large", { status: 413 }) : taken()
  );
  await using sink = sinkTo(receiver);
  const records = storedRecords(
    Array.from({ length: 100 }, (_, index) => ({ properties: { text: "x".repeat(index === 40 ? 6_000 : 10) } })),
  );
  const rejections = await sink.deliver(records, signal);
  assert.deepEqual(rejections, [{ index: 40, reason: `${receiver.url} answered 413 (too large)` }]);
  const good = receiver.requests.filter(({ text }) => text.length <= 5_000);
  assert.deepEqual(good.flatMap(uuids), uuidsOf(records).filter((_, index) => index !== 40));
});

Deno.test("PosthogSink rejects records that are no events without a request for them", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo(receiver);
  const [first, second] = manyRecords(2);
  assert.ok(first && second);
  const rejections = await sink.deliver([first, storedText("{broken", 7), storedText("[]", 8), second], signal);
  assert.deepEqual(rejections.map(({ index }) => index), [1, 2]);
  assert.equal(stored(receiver.requests).length, 2);
});

Deno.test("PosthogSink delivers everything, in order, through an outage with every kind of failure", async () => {
  let count = 0;
  const failures = [500, 429, 413, 503, 408, 502, 200, 413, 200, 500];
  await using receiver = new HttpReceiver((request) => {
    const status = failures[count++ % failures.length] ?? 200;
    if (count >= 60 || status === 200) return taken();
    return new Response(null, { status: status === 413 && uuids(request).length === 1 ? 503 : status });
  });
  await using sink = sinkTo(receiver);
  const records = manyRecords(200);
  for (let attempt = 0;; attempt++) {
    assert.ok(attempt < 100);
    try {
      assert.deepEqual(await sink.deliver(records, signal), []);
      break;
    } catch (error) {
      assert.ok(error instanceof TryLaterError);
    }
  }
  assert.equal(stored(receiver.requests).length, 200);
});

Deno.test("PosthogSink tries later when nobody listens or the answer takes too long, and stops when aborted", async () => {
  const silence = Promise.withResolvers<Response>();
  await using receiver = new HttpReceiver(() => silence.promise);
  await using sink = sinkTo(receiver, { timeout_seconds: 0.2 });
  await assert.rejects(
    sink.deliver(manyRecords(1), signal),
    (error) => error instanceof TryLaterError && /no answer in 200 ms$/.test(error.message),
  );
  const controller = new AbortController();
  const delivery = sink.deliver(manyRecords(1), controller.signal);
  controller.abort(new Error("stopping"));
  await assert.rejects(delivery, /^Error: stopping$/);
  silence.resolve(taken());
  await using nobody = sinkTo({ url: "http://127.0.0.1:9" });
  await assert.rejects(
    nobody.deliver(manyRecords(1), signal),
    (error) => error instanceof TryLaterError && error.message.startsWith("Cannot send events to http://127.0.0.1:9: "),
  );
});
