/**
 * Whether every plugin of a cell is running or disabled, as something that can be waited for.
 * @module
 */

import { PluginState } from "./plugin_runtime.ts";

const UNSTEADY: ReadonlySet<PluginState> = new Set([
  PluginState.Loading,
  PluginState.SettingUp,
  PluginState.RetryingSetup,
  PluginState.Restarting,
]);

/** True for states in which work waits. */
export function isUnsteady(state: PluginState): boolean {
  return UNSTEADY.has(state);
}

export interface Steadiness {
  /** Resolves when it is steady next, or now. */
  reached(): Promise<void>;
  settle(): void;
  unsettle(): void;
}

/** Unsteady at first. */
export function createSteadiness(): Steadiness {
  let steady = false;
  let next = Promise.withResolvers<void>();
  return {
    reached: () => next.promise,
    settle() {
      steady = true;
      next.resolve();
    },
    unsettle() {
      if (!steady) return;
      steady = false;
      next = Promise.withResolvers<void>();
    },
  };
}
