/**
 * What plugins print, what goes wrong behind their backs and, in a dry run, what they request, on its way to the host:
 * bounded in size and rate, so that a flood costs the plugin's own lines only.
 * @module
 */

import { type FetchedRequest, FrameKind, type LogBatch } from "../../runtime/protocol.ts";
import { sendJson } from "../boot/bridge.ts";
import type { Outgoing } from "../fetch/http_transport.ts";
import { monotonic, now, setTimeout } from "../walls/capture.ts";
import { pluginCount } from "../walls/packages/neighbours.ts";

type Entry = LogBatch["entries"][number];

/** A little more than the host keeps, so that the host sees that it was longer and says so. */
const MAX_MESSAGE = 50_100;
/** Of all plugins of the cell together; each has an even share. */
const MAX_ENTRIES = 500;
const MAX_CHARS = 300_000;
const FLUSH_MS = 50;

/** What waits of one plugin. */
interface Share {
  entries: number;
  chars: number;
  dropped: number;
}

const decoder = new TextDecoder();
let entries: Entry[] = [];
let requests: FetchedRequest[] = [];
let shares: (Share | undefined)[] = [];
let scheduled = false;
let lastFlush = -Infinity;

/** Adds a line, or counts it as dropped when too many of the plugin wait. */
export function writeLog(plugin: number, source: Entry["source"], type: Entry["type"], message: string): void {
  const text = message.slice(0, MAX_MESSAGE);
  if (takesPlace(plugin, text.length)) entries.push({ plugin, source, type, message: text, at: now() });
  flushSoon();
}

/** Adds a request that is about to be sent, under the same bounds. */
export function writeRequest({ plugin, method, url, headers, body }: Outgoing): void {
  const text = body instanceof Uint8Array ? decoder.decode(body.subarray(0, MAX_MESSAGE)) : null;
  const request: FetchedRequest = { method, url: url.href, headers: [...headers], body: text };
  const chars = request.headers.reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    request.url.length + (text?.length ?? 0),
  );
  if (takesPlace(plugin, chars)) requests.push(request);
  flushSoon();
}

/** False when the plugin's share is used up. The last to get in may be larger than what was left. */
function takesPlace(plugin: number, chars: number): boolean {
  const share = shares[plugin] ??= { entries: 0, chars: 0, dropped: 0 };
  if (share.entries >= MAX_ENTRIES / pluginCount() || share.chars >= MAX_CHARS / pluginCount()) {
    share.dropped++;
    return false;
  }
  share.entries++;
  share.chars += chars;
  return true;
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
  if (shares.length > 0) sendLog();
}

/** Sends what waits in any case: for the last answer of a plugin. */
export function sendLog(): void {
  lastFlush = monotonic();
  const dropped = Array.from(shares, (share) => share?.dropped ?? 0);
  const batch: LogBatch = requests.length === 0 ? { entries, dropped } : { entries, dropped, requests };
  entries = [];
  requests = [];
  shares = [];
  sendJson(FrameKind.Log, 0, batch);
}
