/**
 * Proves that the NDJSON destination writes whole lines only, also across rotation, crashes and other writers. Its
 * process is killed after short random real delays, so that the kill meets writes at different moments.
 */

import assert from "node:assert/strict";
import type { Sink } from "../../../../host/consumers/sink.ts";
import { ndjsonOptions } from "../../../../host/destinations/ndjson/ndjson_options.ts";
import { createNdjsonSink } from "../../../../host/destinations/ndjson/ndjson_sink.ts";
import type { StoredRecord } from "../../../../host/log/event_log.ts";
import { manyRecords, storedText } from "../../../kit/stored_records.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

const signal = new AbortController().signal;

function sinkTo(path: string, options: Record<string, unknown> = {}): Sink {
  return createNdjsonSink(ndjsonOptions.parse({ path, ...options }));
}

const texts = (records: StoredRecord[]) => records.map(({ event }) => new TextDecoder().decode(event));

/** Lines of a file that ends with a newline. */
async function lines(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path);
  assert.ok(text === "" || text.endsWith("\n"), path);
  return text.split("\n").slice(0, -1);
}

async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) found.push(entry.name);
  return found.sort();
}

Deno.test("NdjsonSink writes one line per event, into folders that it makes", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("a/b/events.ndjson");
  const records = manyRecords(5);
  await using sink = sinkTo(path);
  assert.deepEqual(await sink.deliver(records.slice(0, 2), signal), []);
  assert.deepEqual(await sink.deliver(records.slice(2), signal), []);
  assert.deepEqual(await lines(path), texts(records));
});

Deno.test("NdjsonSink rejects what is no JSON and takes line breaks out of what is", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.ndjson");
  await using sink = sinkTo(path);
  const rejections = await sink.deliver([storedText("{broken", 0), storedText(`{\n"a":\r\n"b\\n"}`, 1)], signal);
  assert.deepEqual(rejections.map(({ index }) => index), [0]);
  assert.deepEqual(await lines(path), [`{"a":"b\\n"}`]);
});

Deno.test("NdjsonSink rotates by size, keeps as many files as it shall, and breaks no line", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.ndjson");
  await using sink = sinkTo(path, { max_bytes: 1_000, keep: 3 });
  const records = manyRecords(40);
  for (let start = 0; start < 40; start += 8) await sink.deliver(records.slice(start, start + 8), signal);
  assert.deepEqual(await names(folder.path), [
    "events.ndjson",
    "events.ndjson.1",
    "events.ndjson.2",
    "events.ndjson.3",
  ]);
  const kept: string[] = [];
  for (const suffix of [".3", ".2", ".1", ""]) {
    const found = await lines(path + suffix);
    assert.ok((await Deno.stat(path + suffix)).size <= 1_000);
    kept.push(...found);
  }
  assert.deepEqual(kept, texts(records).slice(-kept.length));
  assert.ok(kept.length >= 10);
});

Deno.test("NdjsonSink gives an event larger than a file a file of its own", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.ndjson");
  await using sink = sinkTo(path, { max_bytes: 1_000, keep: 5 });
  const large = storedText(JSON.stringify({ text: "x".repeat(3_000) }), 5);
  await sink.deliver([...manyRecords(1), large, ...manyRecords(1)], signal);
  assert.deepEqual(await lines(`${path}.1`), texts([large]));
  assert.equal((await lines(path)).length, 1);
  assert.equal((await lines(`${path}.2`)).length, 1);
});

Deno.test("NdjsonSink cuts off a line that a crash left unfinished", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.ndjson");
  const long = JSON.stringify({ text: "é".repeat(200_000) });
  for (const torn of [`{"a":1`, long.slice(0, 150_001), "\0\0\0\0", `{"text":"\xff`]) {
    await Deno.writeTextFile(path, `{"whole":1}\n${torn}`);
    await using sink = sinkTo(path);
    await sink.deliver(manyRecords(1), signal);
    assert.deepEqual(await lines(path), [`{"whole":1}`, ...texts(manyRecords(1))]);
  }
  await Deno.writeTextFile(path, `{"only":`);
  await using sink = sinkTo(path);
  await sink.deliver(manyRecords(1), signal);
  assert.deepEqual(await lines(path), texts(manyRecords(1)));
});

Deno.test("NdjsonSink completes a last line that lacks only its newline", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.ndjson");
  const long = JSON.stringify({ text: "é".repeat(200_000) });
  await Deno.writeTextFile(path, `{"whole":1}\n${long}`);
  await using sink = sinkTo(path);
  await sink.deliver(manyRecords(1), signal);
  assert.deepEqual(await lines(path), [`{"whole":1}`, long, ...texts(manyRecords(1))]);
});

Deno.test("NdjsonSink breaks no line when it is killed while it writes", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.ndjson");
  const program = `
    import { createNdjsonSink } from ${
    JSON.stringify(import.meta.resolve("../../../../host/destinations/ndjson/ndjson_sink.ts"))
  };
    import { ndjsonOptions } from ${
    JSON.stringify(import.meta.resolve("../../../../host/destinations/ndjson/ndjson_options.ts"))
  };
    const sink = createNdjsonSink(ndjsonOptions.parse({ path: Deno.args[0] }));
    const event = new TextEncoder().encode(JSON.stringify({ text: "x".repeat(50_000) }));
    const batch = Array.from({ length: 100 }, (_, index) => ({ cursor: String(index), key: "k", at: 0, event }));
    for (;;) await sink.deliver(batch, new AbortController().signal);
  `;
  const script = folder.file("writer.ts");
  await Deno.writeTextFile(script, program);
  for (const wait of [10, 25, 45]) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--config",
        new URL("../../../../deno.json", import.meta.url).pathname,
        script,
        path,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const sizeBefore = await sizeOf(path);
    while (await sizeOf(path) === sizeBefore) await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, wait));
    child.kill("SIGKILL");
    await child.status;
    await using sink = sinkTo(path);
    await sink.deliver(manyRecords(1), signal);
    for (const line of await lines(path)) JSON.parse(line);
  }
});

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return 0;
  }
}

Deno.test("NdjsonSink shares its file with other sinks, and follows when the file is rotated by others", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("events.ndjson");
  await using first = sinkTo(path, { max_bytes: 3_000, keep: 100 });
  await using second = sinkTo(path, { max_bytes: 3_000, keep: 100 });
  const records = manyRecords(100);
  await Promise.all(
    [first, second].map(async (sink, half) => {
      for (let start = half * 50; start < half * 50 + 50; start += 5) {
        await sink.deliver(records.slice(start, start + 5), signal);
      }
    }),
  );
  await Deno.rename(path, folder.file("elsewhere"));
  await first.deliver(records.slice(0, 1), signal);
  await second.deliver(records.slice(1, 2), signal);
  assert.deepEqual(await lines(path), texts(records.slice(0, 2)));
  const all: string[] = [];
  for (const name of await names(folder.path)) {
    if (name !== "events.ndjson") all.push(...await lines(folder.file(name)));
  }
  assert.deepEqual(all.sort(), texts(records).sort());
});

Deno.test("NdjsonSink leaves no part of a batch behind when the file cannot be written", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(folder.file("in_the_way"), "");
  await using sink = sinkTo(folder.file("in_the_way/events.ndjson"));
  await assert.rejects(sink.deliver(manyRecords(1), signal));
  await Deno.remove(folder.file("in_the_way"));
  assert.deepEqual(await sink.deliver(manyRecords(1), signal), []);
  assert.equal((await lines(folder.file("in_the_way/events.ndjson"))).length, 1);
});

Deno.test("createNdjsonSink() writes whole lines to stdout, also from two destinations at once", async () => {
  let text = "";
  const stdout = {
    // A pipe that takes a little at a time.
    async write(bytes: Uint8Array): Promise<number> {
      await Promise.resolve();
      const part = bytes.subarray(0, 7);
      text += new TextDecoder().decode(part);
      return part.length;
    },
  };
  const options = ndjsonOptions.parse({ path: "stdout" });
  await using first = createNdjsonSink(options, stdout);
  await using second = createNdjsonSink(options, stdout);
  const records = manyRecords(20);
  await Promise.all([first.deliver(records.slice(0, 10), signal), second.deliver(records.slice(10), signal)]);
  assert.deepEqual(text.split("\n"), [...texts(records), ""]);
});
