/**
 * Signs of life. The host is told when a request has been taken up, before any of the plugin's code runs for it, and
 * while it waits for an answer it is told that the event loop still turns. From these signs it knows what caused a
 * hang.
 * @module
 */

import { ALIVE_MS, FrameKind } from "../../runtime/protocol.ts";
import { sendBytes } from "./bridge.ts";
import { now, setTimeout } from "../walls/capture.ts";

const NOTHING = new Uint8Array(0);
const NO_REQUEST = 0;

let working = 0;
let ticking = false;
let sentAt = -Infinity;

/** A request came in; its plugin code has not run yet. */
export function workStarted(id: number): void {
  working++;
  send(id);
  if (ticking) return;
  ticking = true;
  setTimeout(tick, ALIVE_MS);
}

/** It was answered. */
export function workEnded(): void {
  working--;
}

/**
 * Called before each call of a plugin: many short calls in a row are no hang, although the event loop does not turn
 * between them. It reads the cheap clock, which may jump, because reading the exact one takes as long as many a call;
 * after a jump one sign too many is sent.
 */
export function callStarted(): void {
  if (Math.abs(now() - sentAt) >= ALIVE_MS) send(NO_REQUEST);
}

function tick(): void {
  ticking = working > 0;
  if (!ticking) return;
  send(NO_REQUEST);
  setTimeout(tick, ALIVE_MS);
}

function send(id: number): void {
  sentAt = now();
  sendBytes(FrameKind.Alive, id, NOTHING);
}
