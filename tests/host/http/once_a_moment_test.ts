/**
 * Proves that a question which several ask within a moment is answered once, and that neither an old answer nor a
 * failure is handed on.
 * @module
 */

import assert from "node:assert/strict";
import { onceAMoment } from "../../../host/http/once_a_moment.ts";

Deno.test("a question is answered once a moment, another one by itself, and a failure stands for nobody else", async () => {
  let time = 0;
  const asked: string[] = [];
  const ask = onceAMoment((question: { of: string }) => {
    asked.push(question.of);
    return question.of === "wrong" ? Promise.reject(new Error("no")) : Promise.resolve(asked.length);
  }, { standsMs: 1_000, now: () => time });
  assert.deepEqual(await Promise.all([ask({ of: "a" }), ask({ of: "a" }), ask({ of: "b" })]), [1, 1, 2]);
  time = 999;
  assert.equal(await ask({ of: "a" }), 1);
  time = 1_000;
  assert.equal(await ask({ of: "a" }), 3);
  await assert.rejects(ask({ of: "wrong" }), /no/);
  await assert.rejects(ask({ of: "wrong" }), /no/);
  assert.deepEqual(asked, ["a", "b", "a", "wrong", "wrong"]);
});

Deno.test("what was answered is forgotten, however many questions there are", async () => {
  let answers = 0;
  const ask = onceAMoment((_: number) => Promise.resolve(answers++), { standsMs: 1_000, now: () => 0 });
  for (let question = 0; question <= 200; question++) await ask(question);
  await ask(200);
  assert.equal(answers, 201);
  await ask(0);
  assert.equal(answers, 202);
});
