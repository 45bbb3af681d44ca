/**
 * What requests and responses carry, and how it is read: node-fetch's Body, whose stream is one of Node's.
 * @module
 */

import type { PassThrough, Readable } from "node:stream";
import { Buffer, Response } from "../walls/capture.ts";
import { FetchError } from "./fetch_error.ts";
import { loadShared } from "../walls/load_shared.ts";

/** A stream of Node's, or of a package that was written for it. */
export interface NodeStream {
  pipe(to: PassThrough): PassThrough;
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Of the package form-data. */
  getBoundary?(): string;
}

/** What arrives from the network, read in one of two ways. */
export interface Arriving {
  /** Reads everything that is left. Rejects with the error that the plugin is to see. */
  all(maxBytes: number): Promise<Buffer>;
  chunks(): AsyncIterable<Uint8Array>;
  /** Splits it into two. */
  tee(): [Arriving, Arriving];
}

/** A body's content: nothing, bytes, something the web sends itself, a stream of the plugin's, or the network's. */
export type Content =
  | { kind: "none" }
  | { kind: "bytes"; bytes: Buffer }
  | { kind: "web"; value: Blob | FormData }
  | { kind: "stream"; stream: NodeStream }
  | { kind: "arriving"; arriving: Arriving };

/** Reads what a plugin passed as body, and says which type it has when no header does. */
export function contentOf(body: unknown): { content: Content; type: string | null } {
  if (body === undefined || body === null) return { content: { kind: "none" }, type: null };
  if (body instanceof URLSearchParams) {
    return bytesOf(Buffer.from(String(body)), "application/x-www-form-urlencoded;charset=UTF-8");
  }
  if (ArrayBuffer.isView(body)) return bytesOf(Buffer.from(body.buffer, body.byteOffset, body.byteLength), null);
  if (body instanceof ArrayBuffer) return bytesOf(Buffer.from(body), null);
  if (body instanceof Blob) return { content: { kind: "web", value: body }, type: body.type || null };
  if (body instanceof FormData) return { content: { kind: "web", value: body }, type: null };
  if (isNodeStream(body)) {
    const boundary = typeof body.getBoundary === "function" ? body.getBoundary() : undefined;
    const type = boundary === undefined ? null : `multipart/form-data;boundary=${boundary}`;
    return { content: { kind: "stream", stream: body }, type };
  }
  return bytesOf(Buffer.from(String(body)), "text/plain;charset=UTF-8");
}

function bytesOf(bytes: Buffer, type: string | null): { content: Content; type: string | null } {
  return { content: { kind: "bytes", bytes }, type };
}

function isNodeStream(value: unknown): value is NodeStream {
  return typeof value === "object" && value !== null && "pipe" in value && typeof value.pipe === "function";
}

let readContent: (of: FetchBody) => Content;
let divideContent: (of: FetchBody) => Content;

/** The content of a request, to be sent. */
export function contentIn(of: FetchBody): Content {
  return readContent(of);
}

/** The content for another body, which leaves this one as it was. Throws when it has been read. */
export function copyContent(of: FetchBody): Content {
  return divideContent(of);
}

/** The part that requests and responses share. */
export class FetchBody {
  // Not meant for plugins, which can reach this class through the prototypes of the other two.
  static {
    readContent = (of) => of.#content;
    divideContent = (of) => of.#divide();
  }

  readonly size: number;
  readonly timeout: number;
  #content: Content;
  #stream: Readable | undefined;
  #used = false;

  constructor(content: Content, { size = 0, timeout = 0 }: { size?: number; timeout?: number }) {
    this.size = size;
    this.timeout = timeout;
    this.#content = content;
  }

  /** For the errors of reading. */
  get url(): string {
    return "";
  }

  /** The stream of what arrives or was passed, the bytes of what was passed otherwise. */
  get body(): unknown {
    const content = this.#content;
    if (content.kind === "none") return null;
    if (content.kind === "bytes") return content.bytes;
    if (content.kind === "web") return content.value;
    if (content.kind === "stream") return content.stream;
    return this.#stream ??= readableOf(content.arriving);
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#consume();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  async blob(): Promise<Blob> {
    const type = this.#contentType().toLowerCase();
    return new Blob([new Uint8Array(await this.#consume())], { type });
  }

  async buffer(): Promise<Buffer> {
    return await this.#consume();
  }

  async json(): Promise<unknown> {
    const text = String(await this.#consume());
    try {
      return JSON.parse(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "";
      throw new FetchError(`invalid json response body at ${this.url} reason: ${reason}`, "invalid-json");
    }
  }

  async text(): Promise<string> {
    return String(await this.#consume());
  }

  /** Text in the encoding that its Content-Type names. */
  async textConverted(): Promise<string> {
    const [, charset = "utf-8"] = /charset=["']?([^;"'\s]+)/i.exec(this.#contentType()) ?? [];
    return new TextDecoder(charset).decode(await this.#consume());
  }

  #contentType(): string {
    const { headers } = this as { headers?: Headers };
    return headers?.get("content-type") ?? "";
  }

  async #consume(): Promise<Buffer> {
    if (this.#used) throw new TypeError(`body used already for: ${this.url}`);
    this.#used = true;
    const content = this.#content;
    switch (content.kind) {
      case "none":
        return Buffer.alloc(0);
      case "bytes":
        return content.bytes;
      case "web":
        return Buffer.from(await new Response(content.value).arrayBuffer());
      case "stream":
        return await collect(chunksOf(content.stream), this.size, this.url);
      case "arriving":
        if (this.#stream === undefined) return await content.arriving.all(this.size);
        return await collect(this.#stream, this.size, this.url);
    }
  }

  #divide(): Content {
    if (this.#used) throw new Error("cannot clone body after it is used");
    const content = this.#content;
    if (content.kind === "arriving" && this.#stream === undefined) {
      const [mine, other] = content.arriving.tee();
      this.#content = { kind: "arriving", arriving: mine };
      return { kind: "arriving", arriving: other };
    }
    const stream = content.kind === "arriving" ? this.#stream : content.kind === "stream" ? content.stream : undefined;
    if (stream === undefined) return content;
    const [mine, other] = [passThrough(), passThrough()];
    stream.pipe(mine);
    stream.pipe(other);
    this.#content = { kind: "stream", stream: mine };
    this.#stream = undefined;
    return { kind: "stream", stream: other };
  }
}

function readableOf(arriving: Arriving): Readable {
  const { Readable } = loadShared<typeof import("node:stream")>("node:stream");
  return Readable.from(buffers(arriving), { objectMode: false });
}

async function* buffers(arriving: Arriving): AsyncGenerator<Buffer> {
  for await (const chunk of arriving.chunks()) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function passThrough(): PassThrough {
  const { PassThrough } = loadShared<typeof import("node:stream")>("node:stream");
  return new PassThrough();
}

/** Of any stream that can be piped. */
export function chunksOf(stream: NodeStream): AsyncIterable<unknown> {
  if (Symbol.asyncIterator in stream) return stream as unknown as AsyncIterable<unknown>;
  const to = passThrough();
  stream.on("error", (error) => to.destroy(error));
  return stream.pipe(to);
}

/** A chunk of a plugin's stream as bytes. */
export function toBytes(chunk: unknown): Buffer {
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Buffer.from(String(chunk));
}

/** All the chunks; rejects when they are more than `maxBytes`, of which 0 is any number. */
export async function collect(chunks: AsyncIterable<unknown>, maxBytes: number, url: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const bytes = toBytes(chunk);
    length += bytes.byteLength;
    if (maxBytes > 0 && length > maxBytes) {
      throw new FetchError(`content size at ${url} over limit: ${maxBytes}`, "max-size");
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
