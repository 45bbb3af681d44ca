/**
 * Node's own modules as the plugins of a cell share them: frozen, with all that they lead to.
 * @module
 */

import { Buffer, require } from "./capture.ts";
import { freezeNodeSamples } from "./freeze_samples.ts";
import { freezeShared } from "./freeze_shared.ts";
import { guardSockets } from "./egress_guard.ts";
import { openGateFor } from "./import_gate.ts";
import { limitNodeCrypto } from "./native_threads.ts";
import { hasNeighbours } from "./packages/neighbours.ts";

/** The module, loaded and frozen when it is first asked for. */
export function loadShared<Module = unknown>(name: string): Module {
  freezeNode();
  const module: unknown = openGateFor(() => {
    if (name === "node:crypto") primeCrypto();
    return require(name);
  });
  freezeShared(module);
  return module as Module;
}

let isNodeFrozen = false;

/**
 * Called before any plugin gets something of Node's: where it has neighbours, all of Node that one of them could hand
 * to another is frozen first. That is a quarter of what a shared cell's start takes, and most plugins import nothing.
 */
export function freezeNode(): void {
  if (isNodeFrozen || !hasNeighbours()) return;
  isNodeFrozen = true;
  for (const name of ["node:crypto", "node:events", "node:stream", "node:url", "node:zlib"]) loadShared(name);
  openGateFor(() => {
    guardSockets();
    freezeNodeSamples();
  });
}

let isPrimed = false;

/** Deno sets up some classes when they are first used, which must be before they are frozen. */
function primeCrypto(): void {
  if (isPrimed) return;
  isPrimed = true;
  const crypto = require("node:crypto") as typeof import("node:crypto");
  limitNodeCrypto(crypto as unknown as Record<string, unknown>);
  const key = Buffer.alloc(32);
  const iv = Buffer.alloc(16);
  crypto.createHash("sha256").update("").digest();
  crypto.createHmac("sha256", key).update("").digest();
  const cipher = crypto.createCipheriv("aes-256-cbc", key, iv);
  const text = Buffer.concat([cipher.update(""), cipher.final()]);
  crypto.createDecipheriv("aes-256-cbc", key, iv).update(text);
  crypto.createSecretKey(key);
  crypto.createSign("sha256");
  crypto.createVerify("sha256");
}
