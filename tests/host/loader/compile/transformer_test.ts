/**
 * Proves that code is compiled in a process that can be killed, and that results are cached correctly. Real waits of 20
 * and 500 ms let the idle compiler end and the hostile code get under way; one test takes 8 s, the compiler's time
 * limit in it.
 */

import assert from "node:assert/strict";
import { transformFile } from "../../../../host/loader/compile/transform.ts";
import { createTransformer } from "../../../../host/loader/compile/transformer.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

const JOB = { path: "index.ts", code: "export const a: number = 1", paths: ["index.ts"] };

Deno.test("createTransformer() compiles in its process what transformFile() compiles here", async () => {
  await using transformer = await createTransformer({ cacheFolder: null });
  const files = await Promise.all([transformer.transform(JOB), transformer.transform({ ...JOB, code: "let b" })]);
  assert.deepEqual(files[0], await transformFile(JOB));
  assert.equal(files[1].code, "let b;");
});

Deno.test("createTransformer() hands errors of the code over with their place, and goes on", async () => {
  await using transformer = await createTransformer({ cacheFolder: null });
  await assert.rejects(transformer.transform({ ...JOB, code: "let = " }), (error: SyntaxError) => {
    assert.equal(error.name, "SyntaxError");
    assert.match(error.message, /^\/index\.ts: .*\(1:\d\)\n/);
    return true;
  });
  assert.equal((await transformer.transform(JOB)).imports.length, 0);
});

Deno.test("createTransformer() compiles a file once for all who ask for it at the same time", async () => {
  await using transformer = await createTransformer({ cacheFolder: null });
  const [first, second, other] = await Promise.all([JOB, { ...JOB }, { ...JOB, path: "other.ts" }]
    .map(transformer.transform));
  assert.equal(first, second);
  assert.notEqual(first, other);
});

Deno.test("createTransformer() remembers on disk, by everything that the output depends on", async () => {
  await using folder = await temporaryFolder();
  const cacheFolder = folder.file("cache");
  const names = async () => (await Array.fromAsync(Deno.readDir(cacheFolder))).map(({ name }) => name).sort();
  await using first = await createTransformer({ cacheFolder });
  const compiled = await first.transform(JOB);
  const [name] = await names();
  await Deno.writeTextFile(`${cacheFolder}/${name}`, JSON.stringify({ ...compiled, code: "remembered" }));

  await using second = await createTransformer({ cacheFolder });
  assert.equal((await second.transform(JOB)).code, "remembered");
  await second.transform({ ...JOB, code: "export const a = 2" });
  await second.transform({ ...JOB, path: "other.ts" });
  await second.transform({ ...JOB, paths: ["index.ts", "new.ts"] });
  assert.equal((await names()).length, 4);

  await Deno.writeTextFile(`${cacheFolder}/${name}`, '{"code":');
  assert.deepEqual(await second.transform(JOB), compiled);
});

Deno.test("createTransformer() forgets what nobody asked for in a month", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(folder.file("old.json"), "{}");
  await Deno.writeTextFile(folder.file("new.json"), "{}");
  await Deno.utime(folder.file("old.json"), new Date(0), new Date(0));
  await using _transformer = await createTransformer({ cacheFolder: folder.path });
  assert.deepEqual((await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name), ["new.json"]);
});

Deno.test("createTransformer() gives up a file that takes too long and compiles the next", async () => {
  await using transformer = await createTransformer({ cacheFolder: null, timeoutMs: 1 });
  await assert.rejects(transformer.transform(JOB), /Cannot compile \/index\.ts: it took more than 0\.001 s/);
  await using patient = await createTransformer({ cacheFolder: null, idleMs: 0 });
  assert.equal((await patient.transform(JOB)).imports.length, 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await patient.transform(JOB)).imports.length, 0);
});

/** Babel tries each of these brackets as types first: the time doubles with each. */
const ENDLESS = { ...JOB, code: `x = ${"<a>(".repeat(40)}1${")".repeat(40)}` };

Deno.test("createTransformer() kills a compiler that hostile code keeps busy, and compiles others meanwhile", async () => {
  await using transformer = await createTransformer({ cacheFolder: null, patienceMs: 200, timeoutMs: 8_000 });
  let refused = false;
  const endless = assert.rejects(transformer.transform(ENDLESS), /it took more than 8 s/).then(() => refused = true);
  const others = [1, 2, 3].map((n) => transformer.transform({ ...JOB, code: `export const a = ${n}` }));
  assert.equal((await Promise.all(others)).length, 3);
  assert.equal(refused, false);
  await endless;
  assert.equal((await transformer.transform(JOB)).imports.length, 0);
});

Deno.test("createTransformer() ends a busy compiler when it is disposed", async () => {
  const transformer = await createTransformer({ cacheFolder: null });
  const endless = assert.rejects(transformer.transform(ENDLESS), /the compiler ended|closed|aborted/i);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await transformer[Symbol.asyncDispose]();
  await endless;
});
