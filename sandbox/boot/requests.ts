/**
 * The host's requests: load plugins, call a function, run a batch.
 * @module
 */

import { type Answer, type CallRequest, FrameKind, type LoadRequest, type LoadResult } from "../../runtime/protocol.ts";
import type { Frame } from "../../runtime/frames.ts";
import { workEnded, workStarted } from "./alive.ts";
import { runBatch } from "../events/batch.ts";
import { sendJson } from "./bridge.ts";
import { setTimeout } from "../walls/capture.ts";
import { callPlugin, type Settled } from "../events/call.ts";
import { noteRequests } from "../fetch/http_transport.ts";
import { runFor } from "../events/cause.ts";
import { setDeadlineMs } from "../events/deadline.ts";
import { setEgress } from "../walls/egress_guard.ts";
import { hasNeighbours, setPluginCount } from "../walls/packages/neighbours.ts";
import { shareModules } from "../plugin/modules.ts";
import { loadPlugin, type PluginFunction, type PluginInstance } from "../plugin/plugin_instance.ts";
import { flushLog, sendLog, writeRequest } from "../plugin/plugin_log.ts";
import { readError } from "../plugin/read_error.ts";

const { parse, stringify } = JSON;

/** The host refuses answers of too many bytes or values. */
const MAX_VALUE_CHARS = 100_000;

const decoder = new TextDecoder();
let plugins: (PluginInstance | undefined)[] = [];

/** Answers one frame of the host, now or later. */
export function takeRequest(frame: Frame): void {
  if (frame.kind === FrameKind.Batch) return runBatch(frame, plugins);
  const request: unknown = parse(decoder.decode(frame.payload));
  if (frame.kind === FrameKind.Load) return load(frame.id, request as LoadRequest);
  if (frame.kind === FrameKind.Call) return call(frame.id, request as CallRequest);
  throw new RangeError(`Cannot answer a frame of kind ${frame.kind}`);
}

function load(id: number, request: LoadRequest): void {
  workStarted(id);
  setDeadlineMs(request.deadlineMs);
  setEgress(request.egressAllow);
  if (request.noteRequests) noteRequests(writeRequest);
  plugins = [];
  setPluginCount(request.plugins.length);
  if (hasNeighbours()) shareModules();
  const result: LoadResult = { plugins: [] };
  for (const [index, spec] of request.plugins.entries()) {
    try {
      const plugin = loadPlugin(index, spec);
      plugins.push(plugin);
      result.plugins.push({ capabilities: plugin.capabilities });
    } catch (error) {
      plugins.push(undefined);
      result.plugins.push({ error: readError(error) });
    }
  }
  afterTurn(() => {
    answer(id, { ok: true, value: result });
    workEnded();
  });
}

/**
 * Runs the work after the event loop has turned once. A plugin that keeps the thread busy with promises from the
 * start therefore never counts as loaded or set up.
 */
function afterTurn(work: () => void): void {
  setTimeout(work, 0);
}

function call(id: number, request: CallRequest): void {
  workStarted(id);
  const cause = { id, over: false };
  const finish = (settled: Settled) => {
    cause.over = true;
    if (request.name === "teardownPlugin") sendLog();
    answer(
      id,
      settled.ok ? { ok: true, value: jsonValue(settled.value) } : { ok: false, error: readError(settled.error) },
    );
    workEnded();
  };
  const take = (settled: Settled) => request.type === "method" ? afterTurn(() => finish(settled)) : finish(settled);
  const plugin = plugins[request.plugin];
  const fn = plugin === undefined ? undefined : findFunction(plugin, request);
  if (plugin === undefined || fn === undefined) {
    const error = new RangeError(`Cannot call ${request.type} '${request.name}': the plugin does not export it`);
    return take({ ok: false, error });
  }
  const args = argumentsFor(plugin, fn, request);
  const settled = runFor(cause, () => callPlugin(plugin, request.name, fn, args, take));
  if (settled !== undefined) take(settled);
}

function findFunction(plugin: PluginInstance, { type, name }: CallRequest): PluginFunction | undefined {
  if (type === "method") return plugin.methods.get(name);
  return type === "job" ? plugin.jobs.get(name) : plugin.tasks.get(name);
}

/** A job without payload that declares two parameters finds meta in the second one. */
function argumentsFor(plugin: PluginInstance, fn: PluginFunction, request: CallRequest): unknown[] {
  if (request.payload !== undefined && request.payload !== null) return [request.payload, plugin.meta];
  return request.type === "job" && fn.length >= 2 ? [undefined, plugin.meta] : [plugin.meta];
}

/** What a function returned, if it can be sent; only tests and the API look at it. */
function jsonValue(value: unknown): unknown {
  try {
    const text = stringify(value);
    return text === undefined || text.length > MAX_VALUE_CHARS ? undefined : parse(text);
  } catch {
    return undefined;
  }
}

function answer(id: number, value: Answer): void {
  flushLog();
  sendJson(FrameKind.Result, id, value);
}
