/**
 * A cell without the host's supervision: the real process, and frames sent and read by hand.
 * @module
 */

import { Buffer } from "node:buffer";
import {
  type Answer,
  type BatchFunction,
  type BatchResultHeader,
  type CallRequest,
  FrameKind,
  type LoadRequest,
  type LoadResult,
  type LogBatch,
  type PluginSpec,
  type ServiceRequest,
} from "../../../runtime/protocol.ts";
import {
  decodeBatch,
  decodeFrame,
  encodeBatchFrame,
  encodeJsonFrame,
  type Frame,
  FrameReader,
} from "../../../runtime/frames.ts";
import { killChild } from "../servers/kill_child.ts";

const ROOT = new URL("../../../", import.meta.url);
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What answers a plugin's calls: by service name, or anything else is an error. */
export type FakeServices = Record<string, (args: unknown[], plugin: number) => unknown>;

/**
 * The answer to a batch, with the events parsed; undefined stands for no event, `"unchanged"` for one that came out as
 * it went in.
 */
export interface BatchAnswer extends BatchResultHeader {
  events: unknown[];
}

/** A plugin made of one file of CommonJS. */
export function pluginOf(code: string, more: Partial<PluginSpec> = {}): PluginSpec {
  return {
    pluginConfigId: 39,
    teamId: 2,
    name: "test-plugin",
    files: { "index.js": code },
    main: "index.js",
    config: {},
    attachments: {},
    scheduledTasks: [],
    ...more,
  };
}

/** An event like those of the capture API. */
export function eventOf(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { uuid: "u", event: "default event", distinct_id: "user-1", team_id: 2, properties: {}, ip: null, ...more };
}

function cellProgram(): string[] {
  const net = Deno.env.get("RAW_CELL_DENY_NET");
  return [
    "--allow-net",
    ...(net ? [`--deny-net=${net}`] : []),
    `--allow-read=${new URL("sandbox/", ROOT).pathname},${new URL("runtime/", ROOT).pathname}`,
    new URL("sandbox/boot/cell.ts", ROOT).pathname,
  ];
}

/** As in the compiled executable: with every right, which the entry gives up, and after the command's name. */
export const COMPILED_CELL = ["--allow-all", new URL("sandbox/boot/compiled_cell.ts", ROOT).pathname, "cell"];

/** The cell process. Dispose it to end it. */
export class RawCell implements AsyncDisposable {
  readonly logs: LogBatch["entries"] = [];
  droppedLogs = 0;
  alive = 0;
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #services: FakeServices;
  readonly #waiting = new Map<number, (frame: Frame) => void>();
  readonly #reading: Promise<void>;
  #lastId = 0;

  constructor(services: FakeServices = {}, args: string[] = [], program = cellProgram()) {
    this.#services = services;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--cached-only", "--unstable-worker-options", ...program, ...args],
      clearEnv: true,
      env: {
        HOME: Deno.env.get("HOME") ?? "/",
        ...(Deno.env.get("DENO_DIR") ? { DENO_DIR: Deno.env.get("DENO_DIR")! } : {}),
      },
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reading = this.#read();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Loads plugins; the result has an entry for each. */
  async load(plugins: PluginSpec[], more: Partial<LoadRequest> = {}): Promise<LoadResult["plugins"]> {
    const request: LoadRequest = { plugins, deadlineMs: 30_000, egressAllow: [], ...more };
    const frame = await this.send(FrameKind.Load, (id) => encodeJsonFrame(FrameKind.Load, id, request));
    const answer = JSON.parse(decoder.decode(frame.payload)) as Answer;
    if (!answer.ok) throw new Error(answer.error.message);
    return (answer.value as LoadResult).plugins;
  }

  /** Calls one function. */
  async call(request: Omit<CallRequest, "plugin"> & { plugin?: number }): Promise<Answer> {
    const frame = await this.send(
      FrameKind.Call,
      (id) => encodeJsonFrame(FrameKind.Call, id, { plugin: 0, ...request }),
    );
    return JSON.parse(decoder.decode(frame.payload)) as Answer;
  }

  /** Runs events, given as values or as JSON texts. */
  async batch(events: unknown[], fn: BatchFunction = "processEvent", chain: number[] = [0]): Promise<BatchAnswer> {
    const texts = events.map((event) => encoder.encode(typeof event === "string" ? event : JSON.stringify(event)));
    const header = { fn, chain, lengths: texts.map((text) => text.byteLength) };
    const encoded = Buffer.concat(texts);
    const frame = await this.send(FrameKind.Batch, (id) => encodeBatchFrame(FrameKind.Batch, id, header, encoded));
    const { header: answered, body } = decodeBatch(frame.payload);
    const result = answered as BatchResultHeader;
    let at = 0;
    return {
      ...result,
      events: result.lengths.map((length) => {
        if (length <= 0) return length === 0 ? undefined : "unchanged";
        const text = decoder.decode(body.subarray(at, at + length));
        at += length;
        return JSON.parse(text);
      }),
    };
  }

  /** One event through processEvent of the first plugin. */
  async process(event: Record<string, unknown> = eventOf()) {
    const { outcomes, errors, events } = await this.batch([event]);
    return { outcome: outcomes[0], error: errors[0]?.error, event: events[0] as Record<string, unknown> | undefined };
  }

  /** Sends a frame and waits for its answer. */
  async send(_kind: number, encode: (id: number) => Uint8Array): Promise<Frame> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Frame>();
    this.#waiting.set(id, answer.resolve);
    await this.write(encode(id));
    const end = this.#process.status.then(async ({ code }) => {
      throw new Error(`the cell ended with code ${code}`, { cause: await this.#reading.catch(() => undefined) });
    });
    end.catch(() => {});
    return await Promise.race([answer.promise, end]);
  }

  /** Writes bytes as they are. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
  }

  /** Closes the pipe to the cell and waits for its end. */
  async closeInput(): Promise<Deno.CommandStatus> {
    await this.#writer.close().catch(() => {});
    return await this.#process.status;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  kill(): void {
    killChild(this.#process);
  }

  /** What the cell wrote to stderr until its end. */
  readonly stderr: Promise<string> = Promise.resolve("");

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#process.status;
    await this.#reading;
    await this.stderr;
  }

  async #read(): Promise<void> {
    const reader = new FrameReader(64 * 1024 * 1024);
    (this as { stderr: Promise<string> }).stderr = new Response(this.#process.stderr).text();
    for await (const chunk of this.#process.stdout) {
      for (const bytes of reader.push(chunk)) this.#take(decodeFrame(bytes));
    }
  }

  #take(frame: Frame): void {
    if (frame.kind === FrameKind.Result || frame.kind === FrameKind.BatchResult) {
      this.#waiting.get(frame.id)?.(frame);
      this.#waiting.delete(frame.id);
    } else if (frame.kind === FrameKind.Alive) {
      this.alive++;
    } else if (frame.kind === FrameKind.Log) {
      const batch = JSON.parse(decoder.decode(frame.payload)) as LogBatch;
      this.logs.push(...batch.entries);
      this.droppedLogs += batch.dropped.reduce((sum, lines) => sum + lines, 0);
    } else if (frame.kind === FrameKind.ServiceRequest) {
      void this.#serve(frame);
    }
  }

  async #serve(frame: Frame): Promise<void> {
    const { name, args, plugin } = JSON.parse(decoder.decode(frame.payload)) as ServiceRequest;
    let answer: Answer;
    try {
      const service = this.#services[name];
      if (service === undefined) throw new Error(`no such service: ${name}`);
      answer = { ok: true, value: await service(args, plugin) ?? null };
    } catch (error) {
      const { name, message } = error as Error;
      answer = { ok: false, error: { name, message, retry: false } };
    }
    await this.write(encodeJsonFrame(FrameKind.ServiceResult, frame.id, answer)).catch(() => {});
  }
}
