/** Proves that plugin configs share a cell when they name the same one, but never when their egress differs. */

import assert from "node:assert/strict";
import type { HogpenConfig, PluginConfig } from "../../../host/config/config.ts";
import { groupPlugins } from "../../../host/service/plugin_groups.ts";

interface Sharing {
  isolation: "each" | "shared";
  /** Ids of those that may not share. */
  unfit: number[];
}

function groupsOf(
  plugins: Partial<PluginConfig>[],
  { isolation, unfit }: Sharing = { isolation: "each", unfit: [] },
): number[][] {
  const configs = plugins.map((plugin, n) => ({
    id: n + 1,
    teamId: 1,
    enabled: true,
    order: n,
    attachments: {},
    cell: null,
    egress: { allow: [] },
    ...plugin,
  }));
  const config = { projects: [{ id: 1, isolation, plugins: configs }] } as unknown as HogpenConfig;
  return groupPlugins(config, ({ id }) => !unfit.includes(id)).map((group) => group.configs.map(({ id }) => id));
}

Deno.test("plugins share a cell by its name", () => {
  assert.deepEqual(groupsOf([{ cell: "x" }, {}, { cell: "x" }, { cell: "y" }, {}]), [[1, 3], [2], [4], [5]]);
});

Deno.test("what one plugin may reach is not its neighbour's: another egress is another cell", () => {
  const open = { allow: ["127.0.0.1"] };
  assert.deepEqual(groupsOf([{ cell: "x" }, { cell: "x", egress: open }, { cell: "x" }]), [[1, 3], [2]]);
  const [one, another] = [{ allow: ["a", "b:1"] }, { allow: ["b:1", "a", "a"] }];
  assert.deepEqual(groupsOf([{ cell: "x", egress: one }, { cell: "x", egress: another }]), [[1, 2]]);
});

Deno.test("isolation shared puts neighbours together that fit and have the same limits; a named cell stays as it is", () => {
  const open = { allow: ["127.0.0.1"] };
  assert.deepEqual(groupsOf([{}, {}, {}], { isolation: "shared", unfit: [] }), [[1, 2, 3]]);
  assert.deepEqual(groupsOf([{}, {}, {}], { isolation: "each", unfit: [] }), [[1], [2], [3]]);
  assert.deepEqual(groupsOf([{}, {}, {}, {}, {}], { isolation: "shared", unfit: [3] }), [[1, 2], [3], [4, 5]]);
  const mixed = [{}, { timeoutSeconds: 5 }, { timeoutSeconds: 5 }, { egress: open }, { cell: "x" }, {}, { cell: "x" }];
  assert.deepEqual(groupsOf(mixed, { isolation: "shared", unfit: [] }), [[1], [2, 3], [4], [5, 7], [6]]);
});
