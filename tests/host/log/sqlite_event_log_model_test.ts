/**
 * Proves, with generated sequences of operations and restarts, that the SQLite event log behaves like a simple
 * in-memory model.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { EventLog, LogRecord, Topic } from "../../../host/log/event_log.ts";
import { openSqliteEventLog } from "../../../host/log/sqlite_event_log.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

/** The log as it ought to be: arrays of values, and how many of them each reader has passed. */
interface Model {
  records: Map<string, string[]>;
  readers: Map<string, number>;
}

type Step =
  | { kind: "append"; topic: Topic; project: number; values: string[] }
  | { kind: "route"; project: number; take: number }
  | { kind: "consume"; project: number; reader: string; take: number }
  | { kind: "restart" };

const project = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      topic: fc.constantFrom<Topic>("inbox", "outbox"),
      project,
      values: fc.array(fc.string({ maxLength: 300 }), { maxLength: 20 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("route" as const), project, take: fc.nat(30) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("consume" as const),
      project,
      reader: fc.constantFrom("a", "b"),
      take: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);

function recordsOf(values: string[]): LogRecord[] {
  return values.map((value) => ({ key: value.slice(0, 5), event: new TextEncoder().encode(value) }));
}

function textsOf(records: LogRecord[]): string[] {
  return records.map(({ event }) => new TextDecoder().decode(event));
}

function partOf(model: Model, topic: Topic, project: number): string[] {
  const name = `${topic} ${project}`;
  const part = model.records.get(name) ?? [];
  model.records.set(name, part);
  return part;
}

/** Reads as a reader would, from its own cursor, and compares with the model. */
async function readNext(log: EventLog, model: Model, topic: Topic, project: number, reader: string, take: number) {
  const name = `${topic} ${project} ${reader}`;
  const passed = model.readers.get(name) ?? 0;
  const cursor = await log.cursor(topic, project, reader);
  const records = await log.read(topic, project, cursor, { maxEvents: take, maxBytes: 1 << 20 });
  const expected = partOf(model, topic, project).slice(passed, passed + take);
  assert.deepEqual(textsOf(records), expected);
  assert.equal((await log.lag(topic, project, cursor)).events, partOf(model, topic, project).length - passed);
  return {
    records,
    next: records.at(-1)?.cursor ?? cursor,
    commit: () => model.readers.set(name, passed + records.length),
  };
}

Deno.test("any sequence of appends, steps, reads and restarts gives each reader every record once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.constantFrom(0, 2000, 1 << 20),
      async (steps, tailBytes) => {
        await using folder = await temporaryFolder();
        const options = { path: folder.file("log.db"), tailBytes, synchronous: "off" as const };
        const model: Model = { records: new Map(), readers: new Map() };
        let log = await openSqliteEventLog(options);
        try {
          for (const step of steps) {
            if (step.kind === "append") {
              await log.append(step.topic, step.project, recordsOf(step.values));
              partOf(model, step.topic, step.project).push(...step.values);
            } else if (step.kind === "route") {
              const { records, next, commit } = await readNext(log, model, "inbox", step.project, "router", step.take);
              const out = textsOf(records).map((text) => `routed ${text}`);
              await log.step(step.project, "router", next, recordsOf(out));
              partOf(model, "outbox", step.project).push(...out);
              commit();
            } else if (step.kind === "consume") {
              const read = await readNext(log, model, "outbox", step.project, step.reader, step.take);
              await log.commit("outbox", step.project, step.reader, read.next);
              read.commit();
            } else {
              await log[Symbol.asyncDispose]();
              log = await openSqliteEventLog(options);
            }
          }
          for (const [name, values] of model.records) {
            const [topic, project] = name.split(" ") as [Topic, string];
            const all = await log.read(topic, Number(project), "", { maxEvents: 100_000, maxBytes: 1 << 30 });
            assert.deepEqual(textsOf(all), values);
          }
        } finally {
          await log[Symbol.asyncDispose]();
        }
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("concurrent appends of one caller keep their order within every key", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ project, key: fc.constantFrom("a", "b", "c"), count: fc.integer({ min: 1, max: 5 }) }), {
        maxLength: 60,
      }),
      async (calls) => {
        await using folder = await temporaryFolder();
        await using log = await openSqliteEventLog({ path: folder.file("log.db"), synchronous: "off" });
        let number = 0;
        const wanted = new Map<string, number[]>();
        await Promise.all(calls.map(({ project, key, count }) => {
          const numbers = Array.from({ length: count }, () => number++);
          wanted.set(`${project} ${key}`, [...wanted.get(`${project} ${key}`) ?? [], ...numbers]);
          const records = numbers.map((n) => ({ key, event: new TextEncoder().encode(String(n)) }));
          return log.append("inbox", project, records);
        }));
        for (const [name, numbers] of wanted) {
          const [project, key] = name.split(" ");
          const all = await log.read("inbox", Number(project), "", { maxEvents: 10_000, maxBytes: 1 << 20 });
          assert.deepEqual(textsOf(all.filter((record) => record.key === key)).map(Number), numbers);
        }
      },
    ),
    { numRuns: 25 },
  );
});
