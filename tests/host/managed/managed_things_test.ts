/**
 * Proves that secrets of managed plugin configs and destinations are stored sealed, and that earlier revisions are kept
 * up to a bound.
 */

import assert from "node:assert/strict";
import { openManagedThings } from "../../../host/managed/managed_things.ts";
import { FIRST_ID, pluginEntry } from "../../../host/managed/managed_values.ts";
import { createSeal, loadSeal } from "../../../host/managed/seal.ts";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const CONTEXT = { actor: "me", action: "change", ifVersion: null, before: null, after: null };

function entry(config: Record<string, unknown>) {
  return pluginEntry.parse({ source: { inline: "exports.processEvent = (e) => e" }, config });
}

Deno.test("what is sealed opens with its key at its place alone, and says when it was sealed with an older key", () => {
  const old = createSeal("old");
  const sealed = old.close("hush", "plugin_config/1");
  assert.equal(old.open(sealed, "plugin_config/1"), "hush");
  assert.notEqual(old.close("hush", "plugin_config/1"), sealed);
  assert.equal(sealed.includes("hush"), false);
  assert.throws(() => old.open(sealed, "plugin_config/2"));
  assert.throws(() => createSeal("new").open(sealed, "plugin_config/1"), /sealed with another key/);
  const renewed = createSeal("new", ["old"]);
  assert.equal(renewed.open(sealed, "plugin_config/1"), "hush");
  assert.equal(renewed.isOld(sealed), true);
  assert.equal(renewed.isOld(renewed.close("hush", "x")), false);
});

Deno.test("loadSeal() makes a key that only its owner can read, and keeps it", async () => {
  await using folder = await temporaryFolder();
  const sealed = (await loadSeal(folder.path, null)).close("hush", "x");
  assert.equal((await loadSeal(folder.path, null)).open(sealed, "x"), "hush");
  assert.equal(((await Deno.stat(folder.file("secret_key"))).mode ?? 0) & 0o777, 0o600);
});

Deno.test("managed things keep secrets sealed, take a new key at the next start, and join the file's configuration", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  const open = (seal: ReturnType<typeof createSeal>, errors: string[] = []) =>
    openManagedThings({
      things: store.things,
      seal,
      defaults: { timeoutSeconds: 30, memoryMb: 256 },
      folder: folder.file("uploads"),
      onError: (message) => errors.push(message),
    });
  const first = await open(createSeal("old"));
  const id = first.nextId("plugin");
  assert.equal(id, FIRST_ID);
  const blob = await first.putBlob(new Uint8Array([1, 2, 3]));
  const file = { file_name: "a", content_type: "x/y", size: 3, blob };
  const plugin = { id, teamId: 1, archive: null, attachments: { key: file }, entry: entry({ key: "hush-hush" }) };
  assert.deepEqual(await first.putPlugin(plugin, { ...CONTEXT, ifVersion: 0 }), { version: 1 });
  assert.equal(await first.putPlugin(plugin, { ...CONTEXT, ifVersion: 7 }), null);
  assert.equal(JSON.stringify(await store.things.list("plugin_config")).includes("hush-hush"), false);

  const errors: string[] = [];
  assert.equal((await open(createSeal("other"), errors)).current().plugins.size, 0);
  assert.match(errors.join("\n"), /sealed with another key/);
  await open(createSeal("new", ["old"]));
  const renewed = await open(createSeal("new"));
  assert.deepEqual(renewed.current().plugins.get(id)?.value.entry.config, { key: "hush-hush" });

  const project = {
    id: 1,
    name: "P",
    token: "t",
    anonymizeIps: false,
    isolation: "each" as const,
    plugins: [],
    destinations: [],
  };
  const { projects } = await first.combine({ projects: [project] });
  const [config] = projects[0]!.plugins;
  assert.deepEqual([config!.id, config!.teamId, config!.config], [id, 1, { key: "hush-hush" }]);
  assert.deepEqual(config!.attachments["key"]?.contents, new Uint8Array([1, 2, 3]));
  const taken = { ...config!, source: "elsewhere" };
  assert.deepEqual((await first.combine({ projects: [{ ...project, plugins: [taken] }] })).projects[0]!.plugins, [
    taken,
  ]);
});

Deno.test("a plugin config remembers what it was, up to a bound", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  const managed = await openManagedThings({
    things: store.things,
    seal: createSeal("key"),
    defaults: { timeoutSeconds: 30, memoryMb: 256 },
    folder: folder.file("uploads"),
    onError(message) {
      throw new Error(message);
    },
  });
  for (let n = 0; n < 60; n++) {
    const plugin = { id: FIRST_ID, teamId: 1, archive: null, attachments: {}, entry: entry({ n }) };
    await managed.putPlugin(plugin, CONTEXT);
  }
  const revisions = await managed.revisions(FIRST_ID);
  assert.equal(revisions.length, 50);
  assert.deepEqual(revisions[0]?.plugin.entry.config, { n: 58 });
  assert.equal(revisions[0]?.version, 59);
});
