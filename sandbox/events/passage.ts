/**
 * One event's way through the plugins of a chain. Each plugin gets its own copy of what the one before it returned:
 * no plugin ever holds an object of another, and what it does to its event later has no effect.
 * @module
 */

import { type BatchFunction, Outcome } from "../../runtime/protocol.ts";
import { isTimed, noteOutcome, type Run } from "./batch_run.ts";
import { callPlugin, type Settled } from "./call.ts";
import { type Cause, runFor } from "./cause.ts";
import type { Glimpse } from "./habits.ts";
import { copyEvent, type EventObject, judge, type ReadEvent, writeEvent } from "./judge.ts";
import type { PluginInstance } from "../plugin/plugin_instance.ts";
import { monotonic } from "../walls/capture.ts";
import { sendComposed } from "../fetch/send_webhook.ts";

const { parse } = JSON;

interface Passage {
  run: Run;
  index: number;
  teamId: unknown;
  /**
   * The object that the event was last read from: should the next plugin spoil its copy, it is read again. Undefined
   * stands for the input.
   */
  source: unknown;
  cause: Cause;
  done(): void;
}

/** Gives the event to each plugin of the run; `done` is called once, when the last outcome is noted. */
export function passThrough(run: Run, index: number, event: EventObject, done: () => void): void {
  const cause = { id: run.id, event: index, over: false };
  const passage = { run, index, teamId: event["team_id"], source: undefined, cause, done };
  // Set once for all plugins: what follows a plugin that awaits something still runs within it.
  runFor(cause, () => step(passage, 0, event));
}

function end({ cause, done }: Passage): void {
  cause.over = true;
  done();
}

/** Loops as long as plugins answer synchronously. */
function step(passage: Passage, from: number, first: EventObject): void {
  const { run } = passage;
  let event = first;
  for (let position = from; position < run.plugins.length; position++) {
    const plugin = run.plugins[position]!;
    const given = event;
    const before = run.fn === "processEvent" ? plugin.habits.look(given) : undefined;
    const later = (settled: Settled) => {
      const next = takeOutcome(passage, position, given, before, settled);
      if (next === undefined) end(passage);
      else step(passage, position + 1, next);
    };
    const timed = isTimed(run, passage.index);
    const start = timed ? monotonic() : 0;
    const settled = callEvent(run.fn, plugin, given, later);
    if (timed) run.spent![position]! += monotonic() - start;
    if (settled === undefined) return;
    const next = takeOutcome(passage, position, given, before, settled);
    if (next === undefined) break;
    event = next;
  }
  end(passage);
}

function callEvent(fn: BatchFunction, plugin: PluginInstance, event: EventObject, later: (settled: Settled) => void) {
  const method = plugin.methods.get(fn);
  if (method === undefined) return { ok: true, value: event } as const;
  if (fn === "composeWebhook") {
    const { timestamp } = event;
    event["timestamp"] = new Date(typeof timestamp === "string" ? timestamp : NaN);
    return callPlugin(plugin, fn, sendComposed(plugin.index, method), [event, plugin.meta], later);
  }
  return callPlugin(plugin, fn, method, [event, plugin.meta], later);
}

/**
 * Notes what became of the event in one plugin. Returns the event for the next one, or undefined when it goes no
 * further.
 */
function takeOutcome(
  passage: Passage,
  position: number,
  given: EventObject,
  before: Glimpse | undefined,
  settled: Settled,
): EventObject | undefined {
  const { run, index, teamId } = passage;
  const { outcome, source, error } = judge(run.fn, given, settled);
  noteOutcome(run, index, position, outcome, error);
  if (run.fn !== "processEvent") return undefined;
  if (source === undefined) {
    run.outputs[index] = "";
    return undefined;
  }
  const { habits } = run.plugins[position]!;
  if (position < run.plugins.length - 1) {
    const next = readOnward(passage, position, source, (object) => copyEvent(object, teamId, habits));
    if (before !== undefined && next !== undefined) habits.learn(before, next);
    return next ?? parse(run.inputs[index]!) as EventObject;
  }
  const text = readOnward(passage, position, source, (object) => writeEvent(object, teamId, habits));
  if (before !== undefined && text !== undefined) habits.learn(before, parse(text) as EventObject);
  run.outputs[index] = text ?? run.inputs[index]!;
  return undefined;
}

/**
 * Reads the event from the plugin's object, or if that cannot be read from what the plugin was given; undefined stands
 * for the input.
 */
function readOnward<Event>(
  passage: Passage,
  position: number,
  source: unknown,
  read: (object: unknown) => ReadEvent<Event>,
): Event | undefined {
  const { event, error } = read(source);
  if (error !== undefined) noteOutcome(passage.run, passage.index, position, Outcome.failed, error);
  if (event === undefined) return passage.source === undefined ? undefined : read(passage.source).event;
  passage.source = source;
  return event;
}
