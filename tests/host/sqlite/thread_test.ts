/**
 * Proves that calls to a database thread are answered in order, and that every waiting call is rejected when the thread
 * dies.
 */

import assert from "node:assert/strict";
import { Thread } from "../../../host/sqlite/thread.ts";

interface Api {
  double(value: number): number;
  fail(): never;
}

/** A thread whose code is given as text. */
function threadOf(code: string): Thread<Api> {
  const serve = new URL("../../../host/sqlite/serve_thread.ts", import.meta.url).href;
  const source = `import { serveThread } from "${serve}"; ${code}`;
  return new Thread<Api>(new URL(`data:application/typescript,${encodeURIComponent(source)}`), "the test");
}

Deno.test("Thread.call() answers in order and passes errors with their names", async () => {
  await using thread = threadOf(`serveThread({ double: (n) => n * 2, fail() { throw new RangeError("too much") } })`);
  const answers = await Promise.all([1, 2, 3].map((value) => thread.call("double", value)));
  assert.deepEqual(answers, [2, 4, 6]);
  await assert.rejects(thread.call("fail"), { name: "RangeError", message: "too much" });
  await assert.rejects(thread.call("missing" as "fail"), {
    message: "Cannot call missing: the thread has no such function",
  });
});

Deno.test("Thread.call() rejects what cannot be copied to the thread and goes on", async () => {
  await using thread = threadOf(`serveThread({ double: (n) => n * 2, fail() {} })`);
  await assert.rejects(thread.call("double", (() => 1) as unknown as number), { name: "DataCloneError" });
  assert.equal(await thread.call("double", 4), 8);
});

Deno.test("a thread that dies rejects the calls that wait, and every later one, with the reason", async () => {
  await using thread = threadOf(
    `serveThread({ double: (n) => n, fail() {} }); setTimeout(() => { throw new Error("gone") })`,
  );
  const died = { message: /^Cannot go on with the test: its thread ended: .*gone/ };
  const waiting = thread.call("double", 1).then(() => "answered", (error) => error.message);
  assert.match(await waiting, /answered|its thread ended/);
  // The error may come a moment after the answer.
  while (await thread.call("double", 1).then(() => true, () => false));
  await assert.rejects(thread.call("double", 1), died);
});

Deno.test("a thread that was disposed refuses calls", async () => {
  const thread = threadOf(`serveThread({ double: (n) => n, fail() {} })`);
  const waiting = assert.rejects(thread.call("double", 1), { message: "Cannot use the database: it is closed" });
  await thread[Symbol.asyncDispose]();
  await waiting;
  await assert.rejects(thread.call("double", 1), { message: "Cannot use the database: it is closed" });
});
