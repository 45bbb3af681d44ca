/**
 * Proves that the webhook destination signs, retries and isolates rejected events as Standard Webhooks asks, and shows
 * no secrets in errors.
 */

import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { PauseError, TryLaterError } from "../../../../host/consumers/sink.ts";
import { webhookOptions } from "../../../../host/destinations/webhook/webhook_options.ts";
import { WebhookSink } from "../../../../host/destinations/webhook/webhook_sink.ts";
import { HttpReceiver, type ReceivedRequest } from "../../../kit/servers/http_receiver.ts";
import { manyRecords, storedText } from "../../../kit/stored_records.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const signal = new AbortController().signal;
const taken = () => new Response(null, { status: 204 });

function sinkTo(
  { url }: { url: string },
  options: Record<string, unknown> = {},
  destinationId = "1/hook",
): WebhookSink {
  return new WebhookSink(webhookOptions.parse({ url, secret: SECRET, ...options }), { destinationId });
}

function verify({ headers, text }: ReceivedRequest, secret = SECRET) {
  return new Webhook(secret).verify(text, Object.fromEntries(headers)) as {
    type: string;
    timestamp: string;
    data: { events: { uuid: string }[] };
  };
}

const idOf = ({ headers }: ReceivedRequest) => headers.get("webhook-id");
const uuids = (request: ReceivedRequest) => verify(request).data.events.map(({ uuid }) => uuid);
const uuidsOf = (records: { event: Uint8Array }[]) =>
  records.map(({ event }) => JSON.parse(new TextDecoder().decode(event)).uuid);

/** Delivers and gives the wait that the sink asks for. */
async function waitMs(sink: WebhookSink, records = manyRecords(3)): Promise<number | undefined> {
  try {
    await sink.deliver(records, signal);
  } catch (error) {
    if (error instanceof TryLaterError) return error.retryAfterMs;
    throw error;
  }
}

Deno.test("WebhookSink posts events whole, signed so that the reference library accepts them", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo(receiver, { headers: { authorization: "Bearer abc" } });
  const records = manyRecords(3);
  assert.deepEqual(await sink.deliver(records, signal), []);
  const [request] = receiver.requests;
  assert.ok(request && receiver.requests.length === 1);
  const message = verify(request);
  assert.equal(message.type, "events.batch");
  assert.equal(message.timestamp, new Date(records[2]?.at ?? 0).toISOString());
  assert.deepEqual(message.data.events, records.map(({ event }) => JSON.parse(new TextDecoder().decode(event))));
  assert.equal(request.headers.get("authorization"), "Bearer abc");
  assert.equal(request.headers.get("content-type"), "application/json");
  assert.match(idOf(request) ?? "", /^msg_[A-Za-z0-9_-]{43}$/);
  assert.throws(() => verify(request, NEW_SECRET));
});

Deno.test("WebhookSink signs with both secrets during a rotation", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo(receiver, { secret: [NEW_SECRET, SECRET] });
  await sink.deliver(manyRecords(1), signal);
  const [request] = receiver.requests;
  assert.ok(request);
  verify(request, SECRET);
  verify(request, NEW_SECRET);
});

Deno.test("WebhookSink keeps the id of a batch that is sent again, also after a restart, and no other batch has it", async () => {
  await using receiver = new HttpReceiver(() => new Response(null, { status: 503 }));
  const records = manyRecords(5);
  for (const attempt of [1, 2]) {
    await using sink = sinkTo(receiver);
    await waitMs(sink, records);
    if (attempt === 2) receiver.answer = taken;
    await waitMs(sink, records);
  }
  const ids = new Set(receiver.requests.map(idOf));
  assert.equal(receiver.requests.length, 4);
  assert.equal(ids.size, 1);
  await using sink = sinkTo(receiver);
  await sink.deliver(records.slice(1), signal);
  await using other = sinkTo(receiver, {}, "1/other");
  await other.deliver(records, signal);
  assert.equal(new Set(receiver.requests.map(idOf)).size, 3);
});

Deno.test("WebhookSink waits as the schedule of Standard Webhooks says, and starts anew after a success", async () => {
  await using receiver = new HttpReceiver(() => new Response(null, { status: 503 }));
  await using sink = sinkTo(receiver);
  const schedule = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400];
  for (const seconds of schedule) {
    const wait = await waitMs(sink) ?? 0;
    assert.ok(wait >= seconds * 1000 && wait <= seconds * 1100, `${wait} ms, expected ${seconds} s`);
  }
  receiver.answer = taken;
  assert.equal(await waitMs(sink), undefined);
  receiver.answer = () => new Response(null, { status: 404 });
  assert.ok((await waitMs(sink) ?? 0) < 5_600);
});

Deno.test("WebhookSink waits as the configuration says, or as Retry-After says", async () => {
  await using receiver = new HttpReceiver(() => new Response(null, { status: 429, headers: { "retry-after": "90" } }));
  await using sink = sinkTo(receiver, { retry_seconds: [0] });
  assert.equal(await waitMs(sink), 90_000);
  receiver.answer = () => new Response(null, { status: 502 });
  assert.equal(await waitMs(sink), 0);
  assert.equal(await waitMs(sink), 0);
});

Deno.test("WebhookSink asks to be paused on 410", async () => {
  await using receiver = new HttpReceiver(() => new Response(null, { status: 410 }));
  await using sink = sinkTo(receiver);
  await assert.rejects(
    sink.deliver(manyRecords(3), signal),
    (error) => error instanceof PauseError && error.message.startsWith(`${receiver.url} answered 410`),
  );
  receiver.answer = taken;
  assert.deepEqual(await sink.deliver(manyRecords(3), signal), []);
});

Deno.test("WebhookSink finds the one event among 500 that is refused, and halves on 413", async () => {
  const records = manyRecords(500);
  const poison = uuidsOf(records)[250];
  await using receiver = new HttpReceiver((request) => {
    if (request.text.length > 60_000) return new Response(null, { status: 413 });
    return uuids(request).includes(poison) ? new Response("no thanks", { status: 422 }) : taken();
  });
  await using sink = sinkTo(receiver);
  assert.deepEqual(await sink.deliver(records, signal), [
    { index: 250, reason: `${receiver.url} answered 422 (no thanks)` },
  ]);
  const good = receiver.requests.filter((request) => request.text.length <= 60_000 && !uuids(request).includes(poison));
  assert.deepEqual(good.flatMap(uuids), uuidsOf(records).filter((uuid) => uuid !== poison));
});

Deno.test("WebhookSink finds the one event among 500 on which the receiver crashes", async () => {
  const records = manyRecords(500);
  const poison = uuidsOf(records)[250];
  await using receiver = new HttpReceiver((request) =>
    uuids(request).includes(poison) ? new Response("oops", { status: 500 }) : taken()
  );
  await using sink = sinkTo(receiver);
  await assert.rejects(sink.deliver(records, signal), TryLaterError);
  await assert.rejects(sink.deliver(records, signal), TryLaterError);
  assert.deepEqual(await sink.deliver(records, signal), [
    { index: 250, reason: `${receiver.url} answered 500 (oops); it takes other events` },
  ]);
});

Deno.test("WebhookSink rejects a record that would break the message", async () => {
  await using receiver = new HttpReceiver(taken);
  await using sink = sinkTo(receiver);
  const rejections = await sink.deliver([storedText(`{}]},"x":[{}`, 0), ...manyRecords(1)], signal);
  assert.deepEqual(rejections.map(({ index }) => index), [0]);
  assert.ok(receiver.requests[0]);
  assert.equal(verify(receiver.requests[0]).data.events.length, 1);
});

Deno.test("WebhookSink shows neither the path nor the secrets in an error", async () => {
  await using receiver = new HttpReceiver((request) =>
    new Response(`${request.path} Bearer abc ${SECRET}`, { status: 503 })
  );
  const options = { headers: { authorization: "Bearer abc" } };
  await using sink = sinkTo({ url: `${receiver.url}/hooks/s3cret?key=k3y` }, options);
  await assert.rejects(sink.deliver(manyRecords(1), signal), ({ message }: Error) => {
    assert.ok(message.startsWith(`${receiver.url} answered 503`), message);
    for (const secret of ["s3cret", "k3y", "Bearer abc", SECRET]) assert.ok(!message.includes(secret), message);
    return true;
  });
  await using nobody = sinkTo({ url: "http://127.0.0.1:9/hooks/s3cret?key=k3y" }, options);
  await assert.rejects(nobody.deliver(manyRecords(1), signal), ({ message }: Error) => !/s3cret|k3y/.test(message));
});
