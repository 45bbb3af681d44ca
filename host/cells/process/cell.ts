/**
 * The host's side of one cell: requests and their answers by id, service calls of its plugins, and its log. The cell
 * is ended at once, and with a reason, when it hangs, takes too much memory or says what no sandbox says.
 * @module
 */

import {
  type BatchFunction,
  type CallRequest,
  FrameKind,
  type LoadRequest,
  MAX_SERVICE_REQUESTS,
} from "../../../runtime/protocol.ts";
import type { Answer, LoadResult, LogBatch, ServiceName } from "../../../runtime/protocol.ts";
import type { Frame } from "../../../runtime/frames.ts";
import type { Cause } from "../../services/services.ts";
import { settleBadInput } from "../dispatch/bad_input.ts";
import { readBatchResult } from "../dispatch/batch_result.ts";
import { type CellEnd, CellEndedError, type CellEndKind, explainExit, inSeconds } from "./cell_end.ts";
import { MAX_JSON_FRAME_BYTES, MAX_UNASKED_PER_SECOND, MAX_VALUES } from "./cell_limits.ts";
import { MIN_LOAD_MS, START_MS, STUCK_MARGIN_MS } from "./cell_limits.ts";
import { answerSchema, CellProtocolError, checkMessage, loadResultSchema, logBatchSchema } from "./cell_messages.ts";
import { hasTooManyValues, readMessage, serviceRequestSchema } from "./cell_messages.ts";
import type { CellProcess } from "./cell_process.ts";
import { readTail } from "./read_tail.ts";
import { serviceAnswer } from "./service_answer.ts";
import { FrameSink, readFrames } from "./frame_stream.ts";
import { createIdleCpu } from "./idle_cpu.ts";
import { InFlight, originsOf, type Pending } from "./in_flight.ts";
import type { BatchOutcome, EncodedEvents, EventOrigin } from "../plugin_runtime.ts";
import type { ProcessWatch } from "./process_watch.ts";

export interface CellOptions {
  process: CellProcess;
  watch: ProcessWatch;
  deadlineMs: number;
  memoryBytes: number;
  /** `plugin` is an index into the LoadRequest. */
  callService(plugin: number, name: ServiceName, args: unknown[], cause: Cause): Promise<unknown>;
  onLog(batch: LogBatch): void;
}

type Settled<T> = Omit<Pending, "id" | "causes" | "settle" | "reject" | "memoryBytes" | "taken" | "dueAt"> & {
  /** How many calls of plugin functions the request stands for, each with a deadline of its own. */
  calls: number;
  read(payload: Uint8Array<ArrayBuffer>): T;
};

const encoder = new TextEncoder();

/** One cell, from its start to its end. */
export class Cell implements AsyncDisposable {
  /** Resolves when the process has started and speaks, or ends. */
  readonly started: Promise<void>;
  /** Resolves when it is decided that the cell ends, and why. */
  readonly ending: Promise<CellEnd>;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly #options: CellOptions;
  readonly #sink: FrameSink;
  readonly #inFlight = new InFlight();
  readonly #unwatch: () => void;
  readonly #decided = Promise.withResolvers<CellEnd>();
  readonly #speaks = Promise.withResolvers<void>();
  #end: CellEnd | undefined;
  #memoryBytes = 0;
  #cpuMs = 0;
  readonly #idleCpu = createIdleCpu(() => performance.now());
  /** Whether there was work since its CPU time was last looked at. */
  #hadWork = true;
  #services = 0;
  #plugins = 0;
  #silenceMs = START_MS;
  #heardAt = performance.now();
  #stuckTimer: ReturnType<typeof setTimeout> | undefined;
  #looksAt = Infinity;
  #unasked = 0;
  #unaskedSince = 0;

  constructor(options: CellOptions) {
    this.#options = options;
    this.#sink = new FrameSink(options.process.writable);
    this.#unwatch = options.watch.watch({
      pid: options.process.pid,
      onMemory: (bytes) => this.#lookAtMemory(bytes),
      onCpu: (milliseconds) => this.#lookAtCpu(milliseconds),
    });
    this.started = this.#speaks.promise;
    this.ending = this.#decided.promise;
    this.ended = this.#run();
  }

  get pid(): number {
    return this.#options.process.pid;
  }

  /** Null until the first look. */
  get memoryBytes(): number | null {
    return this.#memoryBytes || null;
  }

  /** Undefined while it lives. */
  get end(): CellEnd | undefined {
    return this.#end;
  }

  get cpuMs(): number {
    return this.#cpuMs;
  }

  /** Evaluates the plugins' code. Every other request comes after it. */
  load(request: LoadRequest): Promise<LoadResult> {
    this.#plugins = request.plugins.length;
    return this.#ask<LoadResult>(FrameKind.Load, [encodeJson(request)], {
      what: "loading its code",
      calls: 1,
      origins: undefined,
      causeKind: "other",
      read: (payload) => {
        this.#silenceMs = this.#options.deadlineMs;
        const answer = readAnswer(payload);
        if (!answer.ok) throw new CellProtocolError(`Cannot load the plugin: ${answer.error.message}`);
        const result = checkMessage("a load's result", loadResultSchema, answer.value);
        if (result.plugins.length === this.#plugins) return result;
        throw new CellProtocolError(`Cannot read a load's result: found ${result.plugins.length} plugins`);
      },
    });
  }

  call(request: CallRequest, causeKind: Cause["kind"], origin: EventOrigin = {}): Promise<Answer> {
    const what = request.type === "method" ? request.name : `${request.type} ${request.name}`;
    const asked = { what, calls: 1, origins: [origin], causeKind, read: readAnswer };
    return this.#ask(FrameKind.Call, [encodeJson(request)], asked);
  }

  /** `chain` are indices into the LoadRequest. */
  batch(fn: BatchFunction, chain: number[], events: EncodedEvents): Promise<BatchOutcome> {
    const { lengths, body } = events;
    const header = encodeJson({ fn, chain, lengths });
    const headerLength = new Uint8Array(4);
    new DataView(headerLength.buffer).setUint32(0, header.byteLength, true);
    return this.#ask(FrameKind.Batch, [headerLength, header, body], {
      what: fn,
      calls: lengths.length * chain.length,
      origins: originsOf(lengths.length, events.origins),
      causeKind: "event",
      read: (payload) =>
        settleBadInput(
          readBatchResult(payload, { fn, chainLength: chain.length, events }),
          events,
          (words) => this.kill("protocol", words),
        ),
    });
  }

  /** Ends the process at once. The first reason counts. */
  kill(kind: CellEndKind, words: string): void {
    if (this.#end !== undefined) return;
    this.#finish({ kind, words });
    this.#options.process.kill();
  }

  /** Ends the cell because the host no longer needs it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("stopped", "it is no longer needed");
    await this.ended;
  }

  async #run(): Promise<void> {
    const { process } = this.#options;
    const stderr = readTail(process.stderr);
    try {
      await readFrames(process.readable, (frame) => this.#take(frame));
    } catch (error) {
      if (!(error instanceof CellProtocolError)) throw error;
      this.#breakOff(error);
    }
    // A cell whose output has ended is of no use, whether the process has ended or not.
    process.kill();
    const end = explainExit(await process.status, await stderr);
    // Before its first sign of life nothing of a plugin has run.
    this.#finish(this.#silenceMs === START_MS ? { ...end, kind: "start" } : end);
  }

  #breakOff(error: CellProtocolError): void {
    this.kill("protocol", `its sandbox broke the protocol (${error.message})`);
  }

  #finish(end: Pick<CellEnd, "kind" | "words">): void {
    if (this.#end !== undefined) return;
    const { taken } = this.#inFlight;
    const grownBytes = this.#memoryBytes - (taken[0]?.memoryBytes ?? this.#memoryBytes);
    const why = this.#end = { ...end, inFlight: taken.length, grownBytes };
    clearTimeout(this.#stuckTimer);
    this.#unwatch();
    this.#sink.abort();
    this.#speaks.resolve();
    this.#decided.resolve(why);
    this.#inFlight.rejectAll(({ taken }) => new CellEndedError(why, taken));
  }

  #ask<T>(kind: FrameKind, parts: Uint8Array[], asked: Settled<T>): Promise<T> {
    if (this.#end !== undefined) return Promise.reject(new CellEndedError(this.#end, false));
    const { read, calls, ...about } = asked;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#inFlight.size === 0) this.#expectLife();
    this.#hadWork = true;
    const id = this.#inFlight.add({
      ...about,
      memoryBytes: this.#memoryBytes,
      dueAt: performance.now() + START_MS + (calls + 1) * (this.#options.deadlineMs + STUCK_MARGIN_MS),
      settle: (payload) => resolve(read(payload)),
      reject,
    });
    if (this.#unasked > 0) this.#unasked--;
    this.#sink.write(kind, id, ...parts);
    return promise;
  }

  #take({ kind, id, payload }: Frame): void {
    if (this.#end !== undefined) return;
    this.#heardAt = performance.now();
    if (this.#silenceMs === START_MS) {
      this.#speaks.resolve();
      this.#silenceMs = Math.max(MIN_LOAD_MS, this.#options.deadlineMs);
      this.#expectLife();
    }
    if (kind !== FrameKind.BatchResult && payload.byteLength > MAX_JSON_FRAME_BYTES) {
      throw new CellProtocolError(`Cannot read a frame of kind ${kind}: it has ${payload.byteLength} bytes`);
    }
    switch (kind) {
      case FrameKind.Result:
      case FrameKind.BatchResult:
        return this.#takeResult(id, payload);
      case FrameKind.ServiceRequest:
        return this.#takeServiceRequest(id, payload);
      case FrameKind.Log:
        return this.#takeLog(payload);
      case FrameKind.Alive:
        return this.#takeAlive(id);
      default:
        throw new CellProtocolError(`Cannot read a frame of kind ${kind}`);
    }
  }

  #takeResult(id: number, payload: Uint8Array<ArrayBuffer>): void {
    const pending = this.#inFlight.get(id);
    if (pending === undefined) throw new CellProtocolError(`Cannot take an answer to request ${id}: nobody asked`);
    // A malformed answer ends the cell while this request still counts as in flight.
    pending.settle(payload);
    this.#inFlight.delete(id);
  }

  #takeServiceRequest(id: number, payload: Uint8Array<ArrayBuffer>): void {
    if (hasTooManyValues(payload)) return this.#sink.write(FrameKind.ServiceResult, id, encodeJson(TOO_MANY_VALUES));
    const { plugin, name, args, cause } = readMessage("a service request", serviceRequestSchema, payload);
    if (plugin >= this.#plugins) throw new CellProtocolError(`Cannot serve plugin ${plugin}: there is none`);
    if (++this.#services > MAX_SERVICE_REQUESTS) {
      throw new CellProtocolError(`Cannot serve more than ${MAX_SERVICE_REQUESTS} requests at a time`);
    }
    void serviceAnswer(this.#options.callService(plugin, name, args, this.#inFlight.causeOf(cause))).then((answer) => {
      this.#services--;
      if (this.#end === undefined) this.#sink.write(FrameKind.ServiceResult, id, encodeJson(answer));
    });
  }

  #takeLog(payload: Uint8Array<ArrayBuffer>): void {
    this.#countUnasked();
    const batch = readMessage("log entries", logBatchSchema, payload);
    if (batch.entries.some((entry) => entry.plugin >= this.#plugins)) {
      throw new CellProtocolError("Cannot log for a plugin that is not there");
    }
    this.#options.onLog(batch);
  }

  #takeAlive(id: number): void {
    this.#countUnasked();
    const pending = this.#inFlight.get(id);
    if (pending !== undefined) pending.taken = true;
  }

  #countUnasked(): void {
    if (this.#heardAt - this.#unaskedSince > 1000) {
      this.#unaskedSince = this.#heardAt;
      this.#unasked = 0;
    }
    if (++this.#unasked > MAX_UNASKED_PER_SECOND) {
      throw new CellProtocolError(`Cannot take more than ${MAX_UNASKED_PER_SECOND} unasked frames a second`);
    }
  }

  #lookAtMemory(bytes: number): void {
    this.#memoryBytes = bytes;
    if (bytes <= this.#options.memoryBytes) return;
    this.kill("memory", `it used more than ${Math.round(this.#options.memoryBytes / 1024 / 1024)} MB of memory`);
  }

  #lookAtCpu(milliseconds: number): void {
    this.#cpuMs = milliseconds;
    const isOverused = this.#idleCpu.isOverused(milliseconds, this.#hadWork);
    this.#hadWork = this.#inFlight.size > 0;
    if (isOverused) this.kill("cpu", "it kept the processor busy while nothing was asked of it");
  }

  /** From now on the sandbox must give signs of life in time. */
  #expectLife(): void {
    this.#heardAt = performance.now();
    this.#lookForLifeIn(this.#silenceMs + STUCK_MARGIN_MS);
  }

  /**
   * An earlier timer (at `#looksAt`) will do: it sees what is left when it fires, so the timer is not set anew for
   * every request.
   */
  #lookForLifeIn(milliseconds: number): void {
    const due = performance.now() + milliseconds;
    if (this.#looksAt <= due) return;
    clearTimeout(this.#stuckTimer);
    this.#looksAt = due;
    this.#stuckTimer = setTimeout(() => this.#lookForLife(performance.now() - due), milliseconds);
  }

  #lookForLife(lateMs: number): void {
    this.#looksAt = Infinity;
    const pending = this.#inFlight.oldest;
    if (pending === undefined) return;
    // Signs of life do not excuse a sandbox from ever answering.
    const dueAt = Math.min(this.#heardAt + this.#silenceMs + STUCK_MARGIN_MS, pending.dueAt);
    const left = dueAt - performance.now();
    // When the host itself could not run in time, what the cell said may still be waiting in the pipe.
    if (left > 0 || lateMs > STUCK_MARGIN_MS) return this.#lookForLifeIn(Math.max(left, STUCK_MARGIN_MS / 2));
    if (this.#silenceMs === START_MS) return this.kill("start", `it did not start within ${inSeconds(START_MS)}`);
    this.kill("hang", `a call to ${pending.what} did not return for ${inSeconds(this.#silenceMs)}`);
  }
}

/** Any plugin can ask for this, so it is no breach. */
const TOO_MANY_VALUES: Answer = {
  ok: false,
  error: {
    name: "RangeError",
    message: `Cannot call the service: its arguments have more than ${MAX_VALUES} values, or are nested too deeply`,
    retry: false,
  },
};

function readAnswer(payload: Uint8Array): Answer {
  return readMessage("an answer", answerSchema, payload);
}

function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(value));
}
