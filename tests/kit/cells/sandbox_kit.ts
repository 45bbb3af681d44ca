/**
 * What tests of the sandbox share: a cell with real services behind it, and plugins compiled by the host's own
 * transform.
 * @module
 */

import { transformFile } from "../../../host/loader/compile/transform.ts";
import { type PluginSpec, SERVICES } from "../../../runtime/protocol.ts";
import { openTestServices, type TestServices } from "../../../testing/plugin_services.ts";
import { type FakeServices, pluginOf, RawCell } from "./raw_cell.ts";

/** A plugin of one TypeScript file. */
export async function compiledPlugin(code: string, more: Partial<PluginSpec> = {}): Promise<PluginSpec> {
  const { code: compiled } = await transformFile({ path: "index.ts", code, paths: ["index.ts"] });
  return pluginOf("", { files: { "index.ts": compiled }, main: "index.ts", ...more });
}

/** A cell whose plugins have cache, storage and the rest. */
export interface ServedCell extends AsyncDisposable {
  cell: RawCell;
  services: TestServices;
}

/** Starts one. */
export async function openServedCell(): Promise<ServedCell> {
  const services = await openTestServices();
  const table: FakeServices = {};
  for (const name of SERVICES) table[name] = (args) => services.call(name, args);
  const cell = new RawCell(table);
  return {
    cell,
    services,
    async [Symbol.asyncDispose]() {
      await cell[Symbol.asyncDispose]();
      await services[Symbol.asyncDispose]();
    },
  };
}
