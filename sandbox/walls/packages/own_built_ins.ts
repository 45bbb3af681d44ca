/**
 * Node's built-in modules as the packages of one plugin see them in a cell with several plugins: an object of its own
 * with the same functions and classes, which are frozen. What a package, or a plugin through it, sets on such a
 * module does not affect the other plugins, and neither do the HTTP connections that it keeps open.
 * @module
 */

import { isBuiltin } from "node:module";
import { freezeCode } from "../freeze_shared.ts";

type BuiltIn = Record<PropertyKey, unknown>;
type Views = Map<string, unknown>;

interface Http {
  Agent: new (options: object) => object;
  ClientRequest: new (...args: unknown[]) => object;
}

/** Made with the options of Node's own agent. */
const AGENT = { keepAlive: true, scheduling: "lifo", timeout: 5000 };

/** @param load gives the module as it is */
export function viewBuiltIn(name: string, views: Views, load: () => unknown): unknown {
  const bare = name.replace(/^node:/, "");
  if (!isBuiltin(name)) return load();
  if (!views.has(bare)) views.set(bare, makeView(bare, load()));
  return views.get(bare);
}

function makeView(name: string, module: unknown): unknown {
  freezeCode(module);
  if (!isPlain(module)) return module;
  const view = copyPlain(module, 2);
  return name === "http" || name === "https" ? withOwnAgent(view) : view;
}

function isPlain(value: unknown): value is BuiltIn {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Also views the plain objects and lists in the module, such as `util.types`. */
function copyPlain(value: BuiltIn, levels: number): BuiltIn {
  const copy: BuiltIn = {};
  for (const key of Reflect.ownKeys(value)) {
    try {
      const each = value[key];
      if (Object.isFrozen(each) || levels === 0) copy[key] = each;
      else copy[key] = Array.isArray(each) ? [...each] : isPlain(each) ? copyPlain(each, levels - 1) : each;
    } catch {
      // For example `tls.rootCertificates`, reading which takes a right that the sandbox does not have.
      Object.defineProperty(copy, key, Object.getOwnPropertyDescriptor(value, key)!);
    }
  }
  return copy;
}

/** Requests that name no agent go through one of the plugin's own. */
function withOwnAgent(view: BuiltIn): BuiltIn {
  const { Agent, ClientRequest } = view as unknown as Http;
  const { request } = view as { request: (...args: unknown[]) => { end(): void } };
  view["globalAgent"] = new Agent(AGENT);
  view["request"] = (...args: unknown[]) => request(...withAgent(args, view["globalAgent"]));
  view["get"] = (...args: unknown[]) => {
    const sent = request(...withAgent(args, view["globalAgent"]));
    sent.end();
    return sent;
  };
  if (typeof ClientRequest === "function") {
    view["ClientRequest"] = new Proxy(ClientRequest, {
      construct: (target, args, made) =>
        Reflect.construct(target, withAgent(args, view["globalAgent"]), made) as object,
    });
  }
  return view;
}

/** Of `(options, callback?)` and `(url, options?, callback?)`. */
function withAgent(args: unknown[], agent: unknown): unknown[] {
  const at = typeof args[0] === "string" || args[0] instanceof URL ? 1 : 0;
  const given = args[at];
  if (typeof given !== "object" || given === null) return [...args.slice(0, at), { agent }, ...args.slice(at)];
  const { agent: own } = given as { agent?: unknown };
  return own === undefined || own === null ? [...args.slice(0, at), { ...given, agent }, ...args.slice(at + 1)] : args;
}
