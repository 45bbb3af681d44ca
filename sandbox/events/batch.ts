/**
 * Runs a batch of events through one plugin's function, or through the processEvent of a chain of plugins.
 *
 * Events of one distinct_id go one after the other, also across batches; different ones run at the same time.
 * @module
 */

import { type BatchHeader, FrameKind, Outcome, UNCHANGED } from "../../runtime/protocol.ts";
import { freeBuffer } from "../../runtime/free_buffer.ts";
import { decodeBatch, encodeBatchFrame, type Frame } from "../../runtime/frames.ts";
import { TextBuffer } from "../../runtime/text_buffer.ts";
import { workEnded, workStarted } from "../boot/alive.ts";
import { estimateSpent, noteOutcome, type Run } from "./batch_run.ts";
import { sendFrame } from "../boot/bridge.ts";
import { Buffer } from "../walls/capture.ts";
import { callPlugin, type Settled } from "./call.ts";
import { runFor } from "./cause.ts";
import { type EventObject, judge } from "./judge.ts";
import { laneOf } from "./lanes.ts";
import { passThrough } from "./passage.ts";
import type { PluginInstance } from "../plugin/plugin_instance.ts";
import { flushLog } from "../plugin/plugin_log.ts";
import { readError } from "../plugin/read_error.ts";

const { parse, stringify } = JSON;

/** The host reads batches of 1 MB, and holds several of what comes of them in memory. */
const MAX_RESULT_BYTES = 24 * 1024 * 1024;

const decoder = new TextDecoder();

/** Starts a batch; its answer is sent when the last event is through. */
export function runBatch(frame: Frame, loaded: (PluginInstance | undefined)[]): void {
  const { header, body } = decodeBatch(frame.payload);
  const { fn, chain, lengths } = header as BatchHeader;
  const plugins = chain.map((index) => {
    const plugin = loaded[index];
    if (plugin === undefined) throw new RangeError(`Cannot run a batch: there is no plugin ${index}`);
    return plugin;
  });
  const inputs = splitTexts(body, lengths);
  freeBuffer(body.buffer);
  const run: Run = {
    id: frame.id,
    fn,
    plugins,
    outcomes: plugins.map(() => inputs.map(() => Outcome.skipped)),
    errors: [],
    inputs,
    outputs: fn === "processEvent" ? [...inputs] : inputs.map(() => ""),
    left: inputs.length,
    spent: plugins.length > 1 ? plugins.map(() => 0) : null,
  };
  workStarted(frame.id);
  if (run.left === 0) finish(run);
  else if (fn === "exportEvents") exportAll(run);
  else starting = starting.then(() => startEach(run, `${fn} ${chain.join()}`));
}

/** Resolves when every event of the batches so far has been started. */
let starting = Promise.resolve();
/**
 * How many events are started before those that wait get a turn. With a whole batch under way at once, the garbage
 * collector copies all of it again and again.
 */
const SLICE = 32;
/** Gives plugins that answer soon several turns; a plugin that awaits something slow does not delay the others. */
const TURNS = 32;

function splitTexts(body: Uint8Array, lengths: number[]): string[] {
  let at = 0;
  return lengths.map((length) => decoder.decode(body.subarray(at, at += length)));
}

async function startEach(run: Run, lanes: string): Promise<void> {
  for (let index = 0; index < run.inputs.length; index++) {
    if (index % SLICE === 0) {
      const toStart = run.inputs.length - index;
      for (let turn = 0; turn < TURNS && run.left > toStart; turn++) await null;
    }
    const event = parseEvent(run, index);
    if (event === undefined) continue;
    const id = event["distinct_id"];
    const lane = laneOf(lanes, typeof id === "string" ? id : stringify(id) ?? "");
    lane.enter((leave) => {
      passThrough(run, index, event, () => {
        leave();
        if (--run.left === 0) finish(run);
      });
    });
  }
}

/** Undefined, and a failure for each plugin, if the text is no event. The host finds out whose fault that is. */
function parseEvent(run: Run, index: number): EventObject | undefined {
  try {
    const event: unknown = parse(run.inputs[index]!);
    if (typeof event === "object" && event !== null && !Array.isArray(event)) return event as EventObject;
    throw new TypeError("Cannot read an event: expected an object");
  } catch (error) {
    const record = { ...readError(error), name: "BadInputError" };
    run.plugins.forEach((_, plugin) => noteOutcome(run, index, plugin, Outcome.failed, record));
    if (--run.left === 0) finish(run);
    return undefined;
  }
}

function exportAll(run: Run): void {
  const plugin = run.plugins[0]!;
  const method = plugin.methods.get("exportEvents");
  const cause = { id: run.id, over: false };
  const take = (settled: Settled) => {
    cause.over = true;
    const { outcome, error } = judge(run.fn, {}, settled);
    run.outcomes[0]!.fill(outcome);
    if (error !== undefined) run.errors.push({ event: 0, plugin: 0, error });
    finish(run);
  };
  const events: unknown = parse(`[${run.inputs.join()}]`);
  const settled = method === undefined
    ? { ok: true, value: undefined } as const
    : runFor(cause, () => callPlugin(plugin, "exportEvents", method, [events, plugin.meta], take));
  if (settled !== undefined) take(settled);
}

/**
 * Holds the events of the answer being written. Reused between batches: allocating a buffer for each one dominated
 * the cost.
 */
let texts = new TextBuffer(1024 * 1024);
/** A larger buffer is not reused: one huge batch must not hold memory for ever. */
const KEPT_BYTES = 8 * 1024 * 1024;

function finish(run: Run): void {
  texts.clear();
  const lengths = run.outputs.map((text, index) => {
    if (run.fn === "processEvent" && text === run.inputs[index]) return UNCHANGED;
    if (text === "") return 0;
    if (takesTooMuch(text)) {
      const error = new RangeError("Cannot pass on an event: with it, the batch takes more than 24 MB");
      noteOutcome(run, index, run.plugins.length - 1, Outcome.failed, readError(error));
      return UNCHANGED;
    }
    return texts.write(text);
  });
  const spent = estimateSpent(run);
  const outcomes = run.outcomes.map((each) => each.join(""));
  const header = { outcomes, errors: run.errors, lengths, ...(spent !== undefined && { spent }) };
  flushLog();
  sendFrame(encodeBatchFrame(FrameKind.BatchResult, run.id, header, texts.written()));
  if (texts.capacity > KEPT_BYTES) texts = new TextBuffer(KEPT_BYTES);
  workEnded();
}

/** A character takes up to three bytes. */
function takesTooMuch(text: string): boolean {
  const left = MAX_RESULT_BYTES - texts.used;
  return text.length * 3 > left && Buffer.byteLength(text) > left;
}
