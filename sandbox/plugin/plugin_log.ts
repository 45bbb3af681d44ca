/**
 * What plugins print and what goes wrong behind their backs, on its way to the host: bounded in size and rate, so that
 * a flood costs the plugin's own lines only.
 * @module
 */

import { FrameKind, type LogBatch } from "../../runtime/protocol.ts";
import { sendJson } from "../boot/bridge.ts";
import { monotonic, now, setTimeout } from "../walls/capture.ts";

type Entry = LogBatch["entries"][number];

/** A little more than the host keeps, so that the host sees that it was longer and says so. */
const MAX_MESSAGE = 50_100;
const MAX_ENTRIES = 500;
const MAX_CHARS = 300_000;
const FLUSH_MS = 50;

let entries: Entry[] = [];
let chars = 0;
let dropped = 0;
let scheduled = false;
let lastFlush = -Infinity;

/** Adds a line, or counts it as dropped when too many wait. */
export function writeLog(plugin: number, source: Entry["source"], type: Entry["type"], message: string): void {
  if (entries.length >= MAX_ENTRIES || chars >= MAX_CHARS) {
    dropped++;
  } else {
    const text = message.slice(0, MAX_MESSAGE);
    entries.push({ plugin, source, type, message: text, at: now() });
    chars += text.length;
  }
  if (scheduled) return;
  scheduled = true;
  setTimeout(flush, FLUSH_MS);
}

/**
 * Sends what waits, unless that was just done: called before answers, so that a call's lines mostly precede its result.
 */
export function flushLog(): void {
  if (entries.length > 0 && monotonic() - lastFlush >= FLUSH_MS) sendLog();
}

function flush(): void {
  scheduled = false;
  if (entries.length > 0 || dropped > 0) sendLog();
}

/** Sends what waits in any case: for the last answer of a plugin. */
export function sendLog(): void {
  lastFlush = monotonic();
  const batch: LogBatch = { entries, dropped };
  entries = [];
  chars = dropped = 0;
  sendJson(FrameKind.Log, 0, batch);
}
