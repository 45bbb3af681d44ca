/**
 * Applies the egress rules to fetch and to sockets. Sockets are checked twice: where a name is looked up, to say in
 * words what is refused, and at the handle that connects, which nothing gets around.
 * @module
 */

import type { LookupAddress, LookupOptions } from "node:dns";
import type { Socket } from "node:net";
import { Pipe, queueMicrotask, require, TCP, UDP } from "./capture.ts";
import { createEgressRules, type EgressRules, parseAddress, refusalMessage } from "./egress_rules.ts";
import { hideContexts } from "./hide_contexts.ts";
import { endDestroyedRequests } from "./end_requests.ts";
import { closePrototype, freezeShared, type Shared } from "./freeze_shared.ts";

const UV_EACCES = -13;

let rules: EgressRules = createEgressRules([]);

/** `address:port` that allowed names have been looked up to. */
const opened = new Set<string>();

/** Takes the entries of `egress.allow`. */
export function setEgress(allow: readonly string[]): void {
  rules = createEgressRules(allow);
  opened.clear();
}

function mayConnect(address: string, port: number): boolean {
  return rules.allowsAddress(address, port) || opened.has(`${address}:${port}`);
}

/** The addresses of the host that may be connected to; throws the refusal if there is none. */
function checkAddresses<Address extends { address: string }>(host: string, addresses: Address[], port: number) {
  if (rules.allowsName(host, port)) {
    for (const { address } of addresses) opened.add(`${address}:${port}`);
    return addresses;
  }
  const allowed = addresses.filter(({ address }) => mayConnect(address, port));
  if (allowed.length === 0 && addresses.length > 0) {
    throw new Error(refusalMessage(host, port));
  }
  return allowed;
}

type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;
type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

let guarded = false;

/** Guards every socket from now on. Called before a package that can open one is loaded. */
export function guardSockets(): void {
  if (guarded) return;
  guarded = true;
  const net = require("node:net") as typeof import("node:net");
  const dns = require("node:dns") as typeof import("node:dns");
  hideContexts(new net.Socket());
  guardHandles();
  endDestroyedRequests();
  const { connect } = net.Socket.prototype as unknown as { connect: AnyFunction };

  function guardedConnect(this: Socket, ...args: unknown[]): unknown {
    // node:net hands its own normalised `[options, callback]` from connect() functions to the method.
    const normalised = Array.isArray(args[0]) ? args[0] as unknown[] : undefined;
    const [options, callback] = readConnectArguments(normalised ?? args);
    if (options["path"]) {
      throw new Error(`Cannot connect to ${String(options["path"])}: only hosts are available in plugins`);
    }
    const host = String(options["host"] ?? "localhost");
    const port = Number(options["port"]);
    const guarded = { ...options, host, port, lookup: lookupFor(dns, host, port) };
    if (parseAddress(host) !== undefined && !mayConnect(host, port)) {
      queueMicrotask(() => this.destroy(new Error(refusalMessage(host, port))));
      return this;
    }
    if (normalised !== undefined) normalised[0] = guarded;
    return Reflect.apply(connect, this, normalised ? args : callback ? [guarded, callback] : [guarded]);
  }
  Object.assign(net.Socket.prototype, { connect: guardedConnect, setTimeout: ignoreTimeout });
  freezeShared(net.Socket);
}

/** An idle timer would be a timer for any plugin that reaches a socket. Every call has its deadline anyway. */
function ignoreTimeout(this: Socket): Socket {
  return this;
}

function readConnectArguments(args: unknown[]): [Record<string, unknown>, unknown] {
  const [first, second] = args;
  const callback = args.findLast((each) => typeof each === "function");
  if (typeof first === "object" && first !== null) return [{ ...first }, callback];
  if (typeof first === "string" && !/^\d+$/.test(first)) return [{ path: first }, callback];
  return [typeof second === "string" ? { port: first, host: second } : { port: first }, callback];
}

function lookupFor(dns: typeof import("node:dns"), host: string, port: number) {
  return (_name: string, options: LookupOptions, callback: LookupCallback) => {
    dns.lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error);
      let allowed: LookupAddress[];
      try {
        allowed = checkAddresses(host, addresses, port);
      } catch (refusal) {
        return callback(refusal as Error);
      }
      if (options.all) callback(null, allowed);
      else callback(null, allowed[0]?.address, allowed[0]?.family);
    });
  };
}

function guardHandles(): void {
  const prototype = TCP.prototype as Record<string, AnyFunction>;
  for (const name of ["connect", "connect6"]) {
    const connect = prototype[name]!;
    define(prototype, name, function (request, ...to) {
      // Read once: an object could be one address when it is checked and another one when it is used.
      const [address, port] = [String(to[0]), Number(to[1])];
      return mayConnect(address, port) ? Reflect.apply(connect, this, [request, address, port]) : UV_EACCES;
    });
  }
  refuse(TCP, ["bind", "bind6", "bindWithFlags", "listen", "open", "openFromRid"]);
  // Opening a pipe by its number would let a plugin open the one that carries our frames.
  refuse(Pipe, ["bind", "connect", "listen", "open"]);
  refuse(UDP, ["bind", "bind6", "connect", "connect6", "open", "send", "send6"]);
  for (const { prototype } of [TCP, Pipe, UDP]) freezeChain(prototype);
}

/** A plugin can reach a socket's handle, and all handles share these prototypes. */
function freezeChain(prototype: object): void {
  for (let each = prototype; each !== Object.prototype && each !== null; each = Object.getPrototypeOf(each)) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(each))) Object.freeze(value);
    closePrototype(each as Shared);
  }
}

function refuse({ prototype }: { prototype: object }, names: string[]): void {
  for (const name of names) define(prototype, name, () => UV_EACCES);
}

function define(target: object, name: string, value: AnyFunction): void {
  Object.defineProperty(target, name, { value, writable: false, configurable: false });
}
