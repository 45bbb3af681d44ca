/**
 * What a plugin's answer makes of an event: PostHog's rules.
 *
 * - falsy: the event is dropped
 * - thrown: failed; the event goes on as the plugin left it
 * - not an object: failed; the event goes on as it was given, with what the plugin changed in it
 * - an object of which JSON makes no event: failed; the event goes on as it came in
 * - another team_id: put back, failed; what it returned goes on
 * - no JSON, or too much: failed; the event goes on as it came in
 * @module
 */

import { type ErrorRecord, IllegalOperationError } from "../../runtime/errors.ts";
import { isRecord } from "../../runtime/is_record.ts";
import { isNestedTooDeeply, MAX_NESTING } from "../../runtime/nesting.ts";
import { type BatchFunction, Outcome } from "../../runtime/protocol.ts";
import { Buffer } from "../walls/capture.ts";
import type { Settled } from "./call.ts";
import { copyJson } from "./copy_json.ts";
import type { Habits } from "./habits.ts";
import { readError } from "../plugin/read_error.ts";

const { stringify } = JSON;

/** An event as a plugin holds it. */
export type EventObject = Record<string, unknown>;

/** `source` is the plugin's object that goes on, not read yet; absent when nothing does. */
export interface Verdict {
  outcome: Outcome;
  source?: unknown;
  error?: ErrorRecord;
}

/** What was read of a plugin's object: the event, or why there is none. An event may come with an error as well. */
export interface ReadEvent<Event> {
  event?: Event;
  error?: ErrorRecord;
}

/** The largest JSON of an event. The host refuses larger ones on its side as well. */
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/** Judges what a function made of the event it was given. */
export function judge(fn: BatchFunction, given: EventObject, settled: Settled): Verdict {
  if (fn !== "processEvent") return judgeConsumed(settled);
  if (!settled.ok) return { outcome: Outcome.failed, source: given, error: readError(settled.error) };
  const { value } = settled;
  if (!value) return { outcome: Outcome.dropped };
  if (typeof value !== "object" || isArray(value)) {
    return { outcome: Outcome.failed, source: given, error: readError(noEvent(value)) };
  }
  return { outcome: Outcome.ok, source: value };
}

function judgeConsumed(settled: Settled): Verdict {
  if (settled.ok) return { outcome: Outcome.ok };
  const error = readError(settled.error);
  return { outcome: error.retry ? Outcome.retry : Outcome.failed, error };
}

/** The event as JSON. The habits are those of the plugin that it comes from. */
export function writeEvent(source: unknown, teamId: unknown, habits: Habits): ReadEvent<string> {
  return readSafely(() => {
    // At least what is checked is copied, so that what was checked is what goes on.
    const event = (habits.deletes ? undefined : flatCopy(source, teamId)) ?? deepCopy(source);
    const error = putBack(event, teamId);
    habits.ease(event);
    const text = stringify(event);
    // A character takes up to three bytes.
    const bytes = text.length * 3 <= MAX_EVENT_BYTES ? 0 : Buffer.byteLength(text);
    if (bytes > MAX_EVENT_BYTES) {
      throw new RangeError(`Cannot pass on an event of ${bytes} bytes: expected at most ${MAX_EVENT_BYTES}`);
    }
    if (isNestedTooDeeply(text)) {
      throw new RangeError(`Cannot pass on an event nested more than ${MAX_NESTING} levels deep`);
    }
    return { event: text, ...error };
  });
}

/** The event as plain data of its own. The habits are those of the plugin that it comes from. */
export function copyEvent(source: unknown, teamId: unknown, habits: Habits): ReadEvent<EventObject> {
  return readSafely(() => {
    const event = deepCopy(source);
    const error = putBack(event, teamId);
    habits.ease(event);
    return { event, ...error };
  });
}

function readSafely<Event>(read: () => ReadEvent<Event>): ReadEvent<Event> {
  try {
    return read();
  } catch (error) {
    return { error: readError(error) };
  }
}

/** Checks the fields that a plugin may not change. The error is for the plugin; the event goes on. */
function putBack(event: EventObject, teamId: unknown): { error: ErrorRecord } | undefined {
  checkName(event["event"]);
  checkProperties(event["properties"]);
  if (event["team_id"] === teamId) return undefined;
  event["team_id"] = teamId;
  return { error: readError(new IllegalOperationError("Plugin tried to change event.team_id")) };
}

/** Also true for a revoked proxy, about which the language refuses to answer. */
function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return true;
  }
}

function noEvent(value: unknown): TypeError {
  const found = isArray(value) ? "an array" : `a ${typeof value}`;
  return new TypeError(`Cannot use what processEvent returned: expected an event, found ${found}`);
}

/** Without a name it is no event to any destination. */
function checkName(name: unknown): void {
  if (typeof name === "string") return;
  const found = name === undefined
    ? "nothing"
    : name === null
    ? "null"
    : isArray(name)
    ? "an array"
    : `a ${typeof name}`;
  throw new TypeError(`Cannot pass on an event: expected its name \`event\` to be a string, found ${found}`);
}

/** The next plugin, and every destination, relies on them being an object if they are there. */
function checkProperties(properties: unknown): void {
  if (properties === undefined || properties === null) return;
  if (typeof properties === "object" && !isArray(properties)) return;
  const found = isArray(properties) ? "an array" : `a ${typeof properties}`;
  throw new TypeError(`Cannot pass on an event: expected its properties to be an object, found ${found}`);
}

/** As JSON would have it. */
function deepCopy(source: unknown): EventObject {
  const event = copyJson(source, MAX_EVENT_BYTES);
  if (!isRecord(event)) throw noEvent(event);
  return event;
}

/**
 * A copy of the event and of its properties, whose values JSON.stringify reads. Undefined for what may become something
 * else in JSON than it seems to be: what is checked here must be what is written.
 */
function flatCopy(source: unknown, teamId: unknown): EventObject | undefined {
  if (!isPlain(source)) return undefined;
  const event = { ...source };
  const { properties } = event;
  if (typeof event["event"] !== "string" || event["team_id"] !== teamId || hasToJson(event)) return undefined;
  if (properties === undefined || properties === null) return event;
  if (!isPlain(properties)) return undefined;
  const copied = { ...properties };
  if (hasToJson(copied)) return undefined;
  event["properties"] = copied;
  return event;
}

const { getPrototypeOf } = Object;
const objectPrototype = Object.prototype;

/** Does nothing that would run a plugin's code, unless the value is a proxy. */
function isPlain(value: unknown): value is EventObject {
  if (typeof value !== "object" || value === null || isArray(value)) return false;
  const prototype: unknown = getPrototypeOf(value);
  return (prototype === objectPrototype || prototype === null) && !hasToJson(value as EventObject);
}

function hasToJson(value: EventObject): boolean {
  return typeof value["toJSON"] === "function";
}
