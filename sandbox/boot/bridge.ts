/**
 * The Worker's end of the wire: frames in, frames out, and requests to the host. Plugins cannot reach any of it, and
 * only bytes cross it.
 * @module
 */

import {
  type Answer,
  FrameKind,
  MAX_SERVICE_REQUESTS,
  type ServiceName,
  type ServiceRequest,
} from "../../runtime/protocol.ts";
import { decodeFrame, encodeFrame, encodeJsonFrame, type Frame } from "../../runtime/frames.ts";
import { addEventListener, postMessage } from "../walls/capture.ts";
import { currentCause } from "../events/cause.ts";
import { errorFromRecord } from "../plugin/read_error.ts";
import { pluginCount } from "../walls/packages/neighbours.ts";

// Everything that the wire uses is captured before a plugin is there, or frozen.
const { parse } = JSON;

/** A service request may not be larger than this, or the host ends the cell. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
/** What plugins leave waiting, all together; each has an even share of it. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
const MAX_WAITING_REQUESTS = 10_000;

/** One plugin's requests to the host. */
interface Line {
  waiting: Uint8Array<ArrayBuffer>[];
  waitingBytes: number;
  unanswered: number;
}
interface Asked {
  line: Line;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const decoder = new TextDecoder();
const asked = new Map<number, Asked>();
/** By plugin. */
const lines = new Map<number, Line>();
let unanswered = 0;
/** Plugins with unanswered requests. */
let busy = 0;
let lastId = 0;

/** Sends a frame; its buffer is gone afterwards. */
export function sendFrame(frame: Uint8Array<ArrayBuffer>): void {
  postMessage(frame.buffer, [frame.buffer]);
}

/** Sends a frame with a JSON payload. */
export function sendJson(kind: FrameKind, id: number, value: unknown): void {
  sendFrame(encodeJsonFrame(kind, id, value));
}

/** Sends a frame with a payload of bytes. */
export function sendBytes(kind: FrameKind, id: number, payload: Uint8Array): void {
  sendFrame(encodeFrame(kind, id, payload));
}

/** Asks the host on behalf of a plugin. Rejects when the plugin asks for too much at a time. */
export function requestService(plugin: number, name: ServiceName, args: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const id = lastId = (lastId + 1) >>> 0;
    const frame = encodeJsonFrame(FrameKind.ServiceRequest, id, { plugin, name, args, cause: causeOf(name) });
    if (frame.byteLength > MAX_REQUEST_BYTES) {
      throw new RangeError(`Cannot call ${name}: its arguments take more than ${MAX_REQUEST_BYTES} bytes`);
    }
    const line = lineOf(plugin);
    const mayWait = Math.max(MAX_REQUEST_BYTES, MAX_WAITING_BYTES / pluginCount());
    if (
      line.waiting.length >= MAX_WAITING_REQUESTS / pluginCount() || line.waitingBytes + frame.byteLength > mayWait
    ) {
      throw new RangeError(`Cannot call ${name}: too many calls are waiting, await them`);
    }
    asked.set(id, { line, resolve, reject });
    line.waitingBytes += frame.byteLength;
    line.waiting.push(frame);
    sendWaiting(line);
  });
}

function lineOf(plugin: number): Line {
  let line = lines.get(plugin);
  if (line === undefined) lines.set(plugin, line = { waiting: [], waitingBytes: 0, unanswered: 0 });
  return line;
}

/** The host looks at it to learn which event or job a call was made for. */
function causeOf(name: ServiceName): ServiceRequest["cause"] {
  const cause = name === "posthog.capture" || name === "jobs.enqueue" ? currentCause() : undefined;
  return cause && (cause.event === undefined ? { id: cause.id } : { id: cause.id, event: cause.event });
}

function sendWaiting(line: Line): void {
  while (line.waiting.length > 0 && maySend(line)) {
    const frame = line.waiting.shift()!;
    line.waitingBytes -= frame.byteLength;
    unanswered++;
    if (line.unanswered++ === 0) busy++;
    sendFrame(frame);
  }
}

/** A place is kept for each plugin that has no request under way: nobody waits for another one's slow answers. */
function maySend(line: Line): boolean {
  const free = MAX_SERVICE_REQUESTS - unanswered;
  return line.unanswered === 0 ? free > 0 : free > pluginCount() - busy;
}

function takeAnswer(frame: Frame): void {
  const call = asked.get(frame.id);
  if (call === undefined) return;
  asked.delete(frame.id);
  const { line } = call;
  unanswered--;
  if (--line.unanswered === 0) busy--;
  const answer = parse(decoder.decode(frame.payload)) as Answer;
  if (answer.ok) call.resolve(answer.value);
  else call.reject(errorFromRecord(answer.error));
  sendWaiting(line);
  for (const other of lines.values()) if (other !== line) sendWaiting(other);
}

/**
 * The first message is the seal that every later message must carry. Code that found the listener, or could dispatch
 * an event, would still have to know the seal to be taken for the host.
 */
export function listen(onRequest: (frame: Frame) => void): void {
  let seal: string | undefined;
  addEventListener("message", (event) => {
    event.stopImmediatePropagation();
    if (!event.isTrusted) return;
    const message = (event as MessageEvent<string | [seal: string, frame: ArrayBuffer]>).data;
    if (typeof message === "string") {
      seal ??= message;
      return;
    }
    const [its, buffer] = message;
    if (seal === undefined || its !== seal) return;
    const frame = decodeFrame(new Uint8Array(buffer));
    if (frame.kind === FrameKind.ServiceResult) takeAnswer(frame);
    else onRequest(frame);
  });
}
