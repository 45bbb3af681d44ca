/**
 * The destination `ndjson`: one line of JSON per event, to a file or to stdout.
 * @module
 */

import { Buffer } from "node:buffer";
import type { Rejection, Sink } from "../../consumers/sink.ts";
import type { StoredRecord } from "../../log/event_log.ts";
import { NdjsonFile } from "./ndjson_file.ts";
import type { NdjsonOptions } from "./ndjson_options.ts";
import { prepareItems } from "../prepare_items.ts";
import { type ByteWriter, writeAll } from "./write_all.ts";

const STDOUT = "stdout";

/** Writes to one stream are queued, whichever destination they come from, so that lines do not mix. */
const writes = new WeakMap<ByteWriter, Promise<unknown>>();

/** The sink that the options ask for. */
export function createNdjsonSink(options: NdjsonOptions, stdout: ByteWriter = Deno.stdout): Sink {
  return options.path === STDOUT ? new NdjsonStreamSink(stdout) : new NdjsonFileSink(options);
}

/** An event is delivered when it is on disk. */
class NdjsonFileSink implements Sink {
  readonly #file: NdjsonFile;

  constructor({ path, max_bytes, keep }: NdjsonOptions) {
    this.#file = new NdjsonFile({ path, maxBytes: max_bytes, keep });
  }

  async deliver(batch: StoredRecord[], signal: AbortSignal): Promise<Rejection[]> {
    const { items, rejections } = prepareItems(batch, ({ event }) => toLine(event));
    await this.#file.append(items.map(({ content }) => content), signal);
    return rejections;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#file[Symbol.dispose]();
    return Promise.resolve();
  }
}

/**
 * An event is delivered when the operating system has accepted it; from there the reader of the pipe is responsible.
 */
class NdjsonStreamSink implements Sink {
  readonly #stream: ByteWriter;

  constructor(stream: ByteWriter) {
    this.#stream = stream;
  }

  async deliver(batch: StoredRecord[], signal: AbortSignal): Promise<Rejection[]> {
    signal.throwIfAborted();
    const { items, rejections } = prepareItems(batch, ({ event }) => toLine(event));
    const bytes = Buffer.concat(items.map(({ content }) => content));
    const write = (writes.get(this.#stream) ?? Promise.resolve()).then(() => writeAll(this.#stream, bytes));
    writes.set(this.#stream, write.catch(() => {}));
    await write;
    return rejections;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** JSON may contain line breaks between its tokens; such an event is serialised again. */
function toLine(event: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(event);
  const value: unknown = JSON.parse(text);
  return new TextEncoder().encode(/[\r\n]/.test(text) ? `${JSON.stringify(value)}\n` : `${text}\n`);
}
