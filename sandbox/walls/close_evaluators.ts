/**
 * Packages that make code of text, as protobufjs does, make it in a scope of its own: with JavaScript's own names, and
 * without what the packages themselves have. A plugin that finds such a maker of code in a package finds nothing behind
 * it.
 * @module
 */

import { newCompartment } from "./lockdown.ts";

/** After lockdown, which has already taken the constructors that functions lead to. */
export function closeEvaluators(): void {
  const scope = newCompartment({}).globalThis as Record<string, unknown>;
  const { Function, eval: evaluate } = scope;
  // The code of every plugin's packages has this one.
  Object.freeze(scope);
  Object.defineProperties(globalThis, { Function: { value: Function }, eval: { value: evaluate } });
}
