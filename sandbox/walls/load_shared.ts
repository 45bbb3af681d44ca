/**
 * Node's own modules as the plugins of a cell share them: frozen, with all that they lead to.
 * @module
 */

import { require } from "./capture.ts";
import { freezeShared } from "./freeze_shared.ts";
import { openGateFor } from "./import_gate.ts";

/** The module, loaded and frozen when it is first asked for. */
export function loadShared<Module = unknown>(name: string): Module {
  const module: unknown = openGateFor(() => require(name));
  freezeShared(module);
  return module as Module;
}
