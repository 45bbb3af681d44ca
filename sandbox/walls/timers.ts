/**
 * The timers that packages use, without the class behind them: a Timeout's constructor is a timer for whoever gets hold
 * of one, and packages keep theirs in plain properties.
 * @module
 */

import timersModule from "node:timers";

type Handle = object;
type Start = (callback: (...args: unknown[]) => void, ...rest: unknown[]) => unknown;
type Stop = (timer: unknown) => void;
interface Timer {
  ref?(): void;
  unref?(): void;
  hasRef?(): boolean;
  refresh?(): void;
}

const timers = new WeakMap<Handle, Timer>();

function handleOf(timer: Timer): Handle {
  const handle: Handle = Object.freeze({
    __proto__: null,
    ref() {
      timer.ref?.();
      return handle;
    },
    unref() {
      timer.unref?.();
      return handle;
    },
    hasRef: () => timer.hasRef?.() ?? true,
    // Rearms with the callback and the time that the package gave.
    refresh() {
      timer.refresh?.();
      return handle;
    },
  });
  timers.set(handle, timer);
  return handle;
}

function wrapStart(start: Start): Start {
  return (callback, ...rest) => {
    if (typeof callback !== "function") throw new TypeError("Cannot start a timer: expected a function");
    // As an argument of a closure, so that the timer is not `this` of the callback.
    return handleOf(start((...args) => callback(...args), ...rest) as Timer);
  };
}

function wrapStop(stop: Stop): Stop {
  return (handle) => {
    const timer = typeof handle === "object" && handle !== null ? timers.get(handle) : undefined;
    if (timer !== undefined) stop(timer);
  };
}

/** Replaces the realm's timers and those of node:timers. What the sandbox uses itself has been captured before. */
export function hideTimers(): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const module = timersModule as unknown as Record<string, unknown>;
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
    scope[name] = module[name] = wrapStart(module[name] as Start);
  }
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) {
    scope[name] = module[name] = wrapStop(module[name] as Stop);
  }
}
