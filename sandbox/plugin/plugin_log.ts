/**
 * What plugins print, what goes wrong behind their backs and, in a dry run, what they request, on its way to the host:
 * bounded in size and rate, so that a flood costs the plugin's own lines only.
 * @module
 */

import { type FetchedRequest, FrameKind, type LogBatch } from "../../runtime/protocol.ts";
import { sendJson } from "../boot/bridge.ts";
import type { Outgoing } from "../fetch/http_transport.ts";
import { monotonic, now, setTimeout } from "../walls/capture.ts";

type Entry = LogBatch["entries"][number];

/** A little more than the host keeps, so that the host sees that it was longer and says so. */
const MAX_MESSAGE = 50_100;
const MAX_ENTRIES = 500;
const MAX_CHARS = 300_000;
const FLUSH_MS = 50;

const decoder = new TextDecoder();
let entries: Entry[] = [];
let requests: FetchedRequest[] = [];
let chars = 0;
let dropped = 0;
let scheduled = false;
let lastFlush = -Infinity;

/** Adds a line, or counts it as dropped when too many wait. */
export function writeLog(plugin: number, source: Entry["source"], type: Entry["type"], message: string): void {
  if (isFull()) {
    dropped++;
  } else {
    const text = message.slice(0, MAX_MESSAGE);
    entries.push({ plugin, source, type, message: text, at: now() });
    chars += text.length;
  }
  flushSoon();
}

/** Adds a request that is about to be sent, under the same bounds. */
export function writeRequest({ method, url, headers, body }: Outgoing): void {
  if (isFull()) {
    dropped++;
  } else {
    const text = body instanceof Uint8Array ? decoder.decode(body.subarray(0, MAX_MESSAGE)) : null;
    const request: FetchedRequest = { method, url: url.href, headers: [...headers], body: text };
    requests.push(request);
    chars += request.headers.reduce(
      (sum, [name, value]) => sum + name.length + value.length,
      request.url.length + (text?.length ?? 0),
    );
  }
  flushSoon();
}

function isFull(): boolean {
  return entries.length + requests.length >= MAX_ENTRIES || chars >= MAX_CHARS;
}

function flushSoon(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(flush, FLUSH_MS);
}

/**
 * Sends what waits, unless that was just done: called before answers, so that a call's lines mostly precede its result.
 */
export function flushLog(): void {
  if (entries.length + requests.length > 0 && monotonic() - lastFlush >= FLUSH_MS) sendLog();
}

function flush(): void {
  scheduled = false;
  if (entries.length + requests.length + dropped > 0) sendLog();
}

/** Sends what waits in any case: for the last answer of a plugin. */
export function sendLog(): void {
  lastFlush = monotonic();
  const batch: LogBatch = requests.length === 0 ? { entries, dropped } : { entries, dropped, requests };
  entries = [];
  requests = [];
  chars = dropped = 0;
  sendJson(FrameKind.Log, 0, batch);
}
