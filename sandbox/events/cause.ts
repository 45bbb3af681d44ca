/**
 * Remembers, through everything that a call of a plugin awaits, which request and event of the host it was made for.
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { ServiceRequest } from "../../runtime/protocol.ts";

/** `over`: the call has been answered, so that what it left behind may be cleared away. */
export type Cause = NonNullable<ServiceRequest["cause"]> & { over: boolean };

const current = new AsyncLocalStorage<Cause>();

/** Runs the work; what it starts, now or after waiting, has this cause. */
export function runFor<T>(cause: Cause, work: () => T): T {
  return current.run(cause, work);
}

/** Undefined for what runs outside of any call, such as code at the top of a plugin. */
export function currentCause(): Cause | undefined {
  return current.getStore();
}
