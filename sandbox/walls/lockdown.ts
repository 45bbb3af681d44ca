/**
 * Freezes what JavaScript and the web platform share between everybody in the Worker: nobody can change what another
 * uses.
 * @module
 */

import "ses";
import { PluginDate } from "./capture.ts";
import { makeOverridable } from "./freeze_shared.ts";

let SafeCompartment: typeof Compartment;
let hardenWithSes: typeof harden = (value) => value;

/** A scope with these names besides JavaScript's own. After lockdown. */
export function newCompartment(globals: Record<string, unknown>): Compartment {
  return new SafeCompartment({ globals, __options__: true });
}

/** Freezes the value and all that it leads to. After lockdown. */
export function hardenShared<T>(value: T): T {
  return hardenWithSes(value);
}

/** SES's lockdown with the options that all provided packages bear, then the web's classes. */
export function lockDown(): void {
  // severe: packages assign to properties that frozen prototypes define. unsafe errors keep their stacks. unsafe locale
  // keeps toLocaleString's formats.
  repairIntrinsics({
    overrideTaming: "severe",
    errorTaming: "unsafe",
    consoleTaming: "unsafe",
    localeTaming: "unsafe",
    errorTrapping: "none",
    unhandledRejectionTrapping: "none",
    reporting: "none",
  });
  // The constructor that a plugin's dates report is the Date that the plugin has.
  Object.defineProperty(PluginDate.prototype, "constructor", { value: PluginDate });
  // Packages give their dates a toJSON of their own, which SES's taming does not provide for.
  const dates = PluginDate.prototype as unknown as Record<PropertyKey, unknown>;
  for (const key of Reflect.ownKeys(dates)) {
    if (typeof dates[key] === "function") makeOverridable(dates, key);
    Object.freeze(dates[key]);
  }
  hardenIntrinsics();
  // Functions taken before it would hand out what has not been repaired.
  SafeCompartment = Compartment;
  hardenWithSes = harden;
  guardEventTarget();
  freezeWebClasses();
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Without a `this`, these methods act on the global scope: a plugin could listen to the host's frames, or send the
 * sandbox its own. Deno calls them by the global scope's name, where they stay.
 */
function guardEventTarget(): void {
  const prototype = EventTarget.prototype as unknown as Record<string, Method>;
  for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"]) {
    const method = prototype[name]!;
    const guarded: Record<string, Method> = {
      [name](...args) {
        if (this === undefined || this === null || this === globalThis) throw new TypeError("Illegal invocation");
        if (name !== "dispatchEvent") args[1] = catching(args[1]);
        return Reflect.apply(method, this, args);
      },
    };
    Object.defineProperty(globalThis, name, { value: method.bind(globalThis), configurable: true });
    Object.defineProperty(prototype, name, { value: guarded[name] });
  }
}

const catchers = new WeakMap<object, Method>();

/**
 * A listener that makes what it throws a rejection that nobody handles. Deno would look at the error otherwise, and an
 * object that throws when it is looked at would end the Worker.
 */
function catching(listener: unknown): unknown {
  if ((typeof listener !== "function" && typeof listener !== "object") || listener === null) return listener;
  const known = catchers.get(listener);
  if (known !== undefined) return known;
  const catcher: Method = function (event) {
    try {
      if (typeof listener === "function") return Reflect.apply(listener, this, [event]);
      return (listener as { handleEvent(event: unknown): unknown }).handleEvent(event);
    } catch (error) {
      void Promise.reject(error);
    }
  };
  catchers.set(listener, catcher);
  return catcher;
}

function freezeWebClasses(): void {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value: unknown = /^[A-Z]/.test(name) ? Reflect.get(globalThis, name) : undefined;
    if (typeof value !== "function") continue;
    Object.freeze(value);
    if (typeof value.prototype === "object" && value.prototype !== null) Object.freeze(value.prototype);
  }
  for (const iterable of [new URLSearchParams(), new Headers(), new FormData()]) {
    Object.freeze(Object.getPrototypeOf(iterable.entries()));
  }
}
