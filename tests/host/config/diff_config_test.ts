/**
 * Proves that the difference of two configurations names exactly the plugin configs, projects and destinations that
 * changed.
 */

import assert from "node:assert/strict";
import type { DestinationConfig, HogpenConfig, PluginConfig, ProjectConfig } from "../../../host/config/config.ts";
import { chainOf, diffConfig } from "../../../host/config/diff_config.ts";

function plugin(id: number, more: Partial<PluginConfig> = {}): PluginConfig {
  return {
    id,
    teamId: 1,
    source: "/a",
    enabled: true,
    order: id,
    config: { key: "value" },
    attachments: { file: { content_type: "text/plain", file_name: "a", contents: new Uint8Array([1, 2]) } },
    timeoutSeconds: 30,
    memoryMb: 256,
    egress: { allow: [] },
    cell: null,
    ...more,
  };
}

function destination(id: string, more: Partial<DestinationConfig> = {}): DestinationConfig {
  return { id, type: "ndjson", enabled: true, filter: {}, options: { path: "x" }, ...more };
}

function project(more: Partial<ProjectConfig> = {}): HogpenConfig {
  const base = {
    id: 1,
    name: "P",
    token: "phc_a",
    anonymizeIps: false,
    isolation: "each" as const,
    plugins: [],
    destinations: [],
  };
  return { projects: [{ ...base, ...more }] };
}

const NOTHING = { added: [], removed: [], changed: [] };

Deno.test("diffConfig() finds nothing when only identities differ", () => {
  const config = () => project({ plugins: [plugin(1)], destinations: [destination("d")] });
  assert.deepEqual(diffConfig(config(), config()), {
    projects: NOTHING,
    plugins: NOTHING,
    destinations: NOTHING,
    reordered: [],
  });
});

Deno.test("diffConfig() tells added, removed and changed plugin configs apart", () => {
  const before = project({ plugins: [plugin(1), plugin(2), plugin(3)] });
  const after = project({ plugins: [plugin(1), plugin(2, { config: { key: "other" } }), plugin(4)] });
  const { plugins, reordered } = diffConfig(before, after);
  assert.deepEqual(plugins.added.map(({ id }) => id), [4]);
  assert.deepEqual(plugins.removed.map(({ id }) => id), [3]);
  assert.deepEqual(plugins.changed.map(({ before, after }) => [before.config["key"], after.config["key"]]), [
    ["value", "other"],
  ]);
  assert.deepEqual(reordered, [1]);
});

Deno.test("diffConfig() sees every field of a plugin config, and bytes of attachments", () => {
  const changes: Partial<PluginConfig>[] = [
    { source: "/b" },
    { timeoutSeconds: 1 },
    { memoryMb: 64 },
    { egress: { allow: ["x"] } },
    { cell: "c" },
    { attachments: { file: { content_type: "text/plain", file_name: "a", contents: new Uint8Array([1, 3]) } } },
  ];
  for (const change of changes) {
    const { plugins, reordered } = diffConfig(
      project({ plugins: [plugin(1)] }),
      project({ plugins: [plugin(1, change)] }),
    );
    assert.equal(plugins.changed.length, 1, JSON.stringify(change));
    assert.deepEqual(reordered, []);
  }
});

Deno.test("diffConfig() calls a new order a reordering, not a change of plugins", () => {
  const before = project({ plugins: [plugin(1), plugin(2)] });
  const after = project({ plugins: [plugin(1, { order: 9 }), plugin(2)] });
  const { plugins, reordered } = diffConfig(before, after);
  assert.deepEqual(plugins, NOTHING);
  assert.deepEqual(reordered, [1]);
});

Deno.test("diffConfig() treats disabling as removing and enabling as adding", () => {
  const on = project({ plugins: [plugin(1)], destinations: [destination("d")] });
  const off = project({
    plugins: [plugin(1, { enabled: false })],
    destinations: [destination("d", { enabled: false })],
  });
  assert.deepEqual(diffConfig(on, off).plugins.removed.map(({ id }) => id), [1]);
  assert.deepEqual(diffConfig(off, on).plugins.added.map(({ id }) => id), [1]);
  assert.equal(diffConfig(on, off).destinations.removed.length, 1);
  assert.deepEqual(diffConfig(off, off).plugins, NOTHING);
});

Deno.test("diffConfig() removes and adds a plugin config that moved to another project", () => {
  const two = { id: 2, name: "Q", token: "phc_b", anonymizeIps: false, isolation: "each" as const, destinations: [] };
  const before = { projects: [...project({ plugins: [plugin(1)] }).projects, { ...two, plugins: [] }] };
  const after = { projects: [...project().projects, { ...two, plugins: [plugin(1, { teamId: 2 })] }] };
  const { plugins } = diffConfig(before, after);
  assert.deepEqual([plugins.added.length, plugins.removed.length, plugins.changed.length], [1, 1, 0]);
});

Deno.test("diffConfig() tells projects and destinations apart", () => {
  const before = project({ destinations: [destination("same"), destination("gone"), destination("other")] });
  const after = project({
    token: "phc_new",
    destinations: [destination("same"), destination("other", { options: { path: "y" } }), destination("new")],
  });
  const { projects, destinations } = diffConfig(before, after);
  assert.deepEqual(projects.changed.map(({ after }) => after.token), ["phc_new"]);
  assert.deepEqual(destinations.added.map(({ destination }) => destination.id), ["new"]);
  assert.deepEqual(destinations.removed.map(({ destination }) => destination.id), ["gone"]);
  assert.deepEqual(destinations.changed.map(({ after }) => after.destination.options["path"]), ["y"]);
  assert.deepEqual(diffConfig(before, { projects: [] }).projects.removed.map(({ id }) => id), [1]);
});

Deno.test("PL-14 chainOf() sorts by order, keeps the file's order for ties, and leaves out what is disabled", () => {
  const plugins = [
    plugin(60, { order: 2 }),
    plugin(61, { order: 1 }),
    plugin(62, { order: 3 }),
    plugin(63, { order: 1 }),
  ];
  assert.deepEqual(chainOf(project({ plugins }).projects[0]), [61, 63, 60, 62]);
  assert.deepEqual(chainOf(project({ plugins: [plugin(1, { enabled: false })] }).projects[0]), []);
});
