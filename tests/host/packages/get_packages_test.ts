/**
 * Proves, against a registry of this machine, that exactly what is missing is fetched, as it was locked, and that what
 * is there stays whatever happens.
 */

import assert from "node:assert/strict";
import { getPackages, PackageError } from "../../../host/packages/get_packages.ts";
import { missingPackages } from "../../../host/packages/package_files.ts";
import { lockedProject, startNpmRegistry } from "../../kit/servers/npm_registry.ts";

const PACKAGES = [
  { name: "tool", version: "1.0.0", value: "tool", dependencies: { shared: "2.0.0" } },
  { name: "@big/thing", version: "3.1.0", value: "thing", dependencies: { shared: "2.0.0", deep: "1.0.0" } },
  { name: "other", version: "0.1.0", value: "other" },
];
const ALL = [
  ...PACKAGES,
  { name: "shared", version: "2.0.0", value: "shared" },
  { name: "deep", version: "1.0.0", value: "deep" },
];
const NAMES = PACKAGES.map(({ name }) => name);

async function project() {
  await using opened = new AsyncDisposableStack();
  const registry = opened.use(await startNpmRegistry(ALL));
  const { folder, env, load } = opened.use(await lockedProject(registry, PACKAGES));
  const notices: string[] = [];
  const all = opened.move();
  return {
    registry,
    folder,
    load,
    notices,
    cache: env.DENO_DIR,
    missing: () => missingPackages(folder, NAMES),
    get: (...names: string[]) =>
      getPackages(names, { folder, env, purpose: "for the test", onNotice: (line) => notices.push(line) }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

Deno.test("getPackages() fetches what is missing and nothing else, with one line, and keeps what is there", async () => {
  await using at = await project();
  await at.get("tool");
  assert.deepEqual(at.registry.fetched.toSorted(), ["shared", "tool"]);
  assert.deepEqual(at.missing(), ["@big/thing", "other"]);
  await at.get("@big/thing", "tool");
  assert.deepEqual(at.registry.fetched.slice(2).sort(), ["@big/thing", "deep"]);
  assert.deepEqual([at.missing(), at.load("tool"), at.load("@big/thing")], [["other"], "tool", "thing"]);
  await at.get("@big/thing", "tool");
  assert.deepEqual(at.notices, [
    "Getting tool for the test, once (less than 1 MB) …",
    "Getting @big/thing for the test, once (less than 1 MB) …",
  ]);
});

Deno.test("getPackages() called several times at once fetches each package once", async () => {
  await using at = await project();
  await Promise.all([at.get("tool"), at.get("tool", "other"), at.get("other")]);
  assert.deepEqual(at.missing(), ["@big/thing"]);
  assert.deepEqual(at.registry.fetched.toSorted(), ["other", "shared", "tool"]);
});

Deno.test("getPackages() refuses a package that is not the one that was locked, and takes the right one later", async () => {
  await using at = await project();
  await at.get("other");
  at.registry.fail("tampered");
  await assert.rejects(at.get("tool"), (error: PackageError) => {
    assert.equal(error.name, "PackageError");
    assert.match(error.message, /^Cannot get tool: .*(?:checksum|integrity)/i);
    return true;
  });
  assert.deepEqual(at.missing(), ["tool", "@big/thing"]);
  at.registry.recover();
  await at.get("tool");
  assert.deepEqual([at.missing(), at.load("tool"), at.load("other")], [["@big/thing"], "tool", "other"]);
});

Deno.test("getPackages() says why when the registry does not answer; what is there is there", async () => {
  await using at = await project();
  await at.get("tool");
  at.registry.fail("down");
  await assert.rejects(at.get("@big/thing"), /^PackageError: Cannot get @big\/thing: .*503/s);
  await at.get("tool");
  assert.deepEqual(at.missing(), ["@big/thing", "other"]);
});

Deno.test("getPackages() does not believe in an installation that was killed", async () => {
  await using at = await project();
  await at.get("tool", "other");
  await Deno.writeTextFile(`${at.folder.root}node_modules/.hogpen_unfinished`, '["tool"]');
  assert.deepEqual(at.missing(), ["tool", "@big/thing"]);
  await at.get("tool");
  assert.deepEqual(at.missing(), ["@big/thing"]);
});

Deno.test("getPackages() installs again when deno.lock has changed, and does without it when the registry is away", async () => {
  await using at = await project();
  await at.get("tool");
  const lock = `${at.folder.root}deno.lock`;
  const text = await Deno.readTextFile(lock);
  await Deno.writeTextFile(lock, `${text}\n`);
  await Deno.remove(`${at.folder.root}node_modules/.deno/shared@2.0.0`, { recursive: true });
  await at.get("tool");
  assert.equal((await Deno.stat(`${at.folder.root}node_modules/.deno/shared@2.0.0`)).isDirectory, true);
  assert.equal(at.notices.length, 1);

  await Deno.writeTextFile(lock, `${text}\n\n`);
  await Deno.remove(`${at.folder.root}node_modules/.deno/shared@2.0.0`, { recursive: true });
  await Deno.remove(`${at.cache}/npm`, { recursive: true });
  at.registry.fail("down");
  await at.get("tool");
});

Deno.test("getPackages() installs nothing that deno.lock does not name", async () => {
  await using at = await project();
  const lock = `${at.folder.root}deno.lock`;
  const { npm, ...rest } = JSON.parse(await Deno.readTextFile(lock));
  delete npm["shared@2.0.0"];
  await Deno.writeTextFile(lock, JSON.stringify({ npm, ...rest }));
  await assert.rejects(at.get("tool"), PackageError);
  assert.deepEqual(at.registry.fetched, []);
});
