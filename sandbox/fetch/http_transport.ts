/**
 * One HTTP request over Node's sockets, which check the very address that they connect to. Deno's own fetch would
 * look the name up again after it was checked, and a name server may give another answer by then. Connections are
 * kept and reused, with a limit for each host.
 * @module
 */

import type { ClientRequest, IncomingMessage } from "node:http";
import type { Readable, Transform } from "node:stream";
import { clearTimeout, ReadableStream, require, Response, setTimeout } from "../walls/capture.ts";
import { guardSockets } from "../walls/egress_guard.ts";
import { type Cause, currentCause } from "../events/cause.ts";
import { getDeadlineMs } from "../events/deadline.ts";
import { openGateFor } from "../walls/import_gate.ts";
import { freezeNode } from "../walls/load_shared.ts";
import { pluginCount } from "../walls/packages/neighbours.ts";

/** What is sent: bytes, or chunks as they come; null is no body. */
export type Sent = Uint8Array | AsyncIterable<Uint8Array> | null;

export interface Outgoing {
  /** The index of the plugin that sends it. */
  plugin: number;
  url: URL;
  method: string;
  headers: Headers;
  body: Sent;
  signal: AbortSignal;
}

/**
 * Connections to one host at a time; further requests wait for one. A batch has a hundred events, and a function may
 * wait for an answer while another one of its requests is under way: with fewer, all of them could wait for one
 * another.
 */
const MAX_SOCKETS = 250;
/** Connections in all, shared evenly by the plugins of the cell, which may have 512 descriptors. */
const MAX_TOTAL_SOCKETS = 400;
/** Connections to one host that are kept for later. */
const MAX_FREE_SOCKETS = 8;
/** How often it is looked whether the call that asked for an unread body is over. */
export const UNREAD_LOOK_MS = 1_000;
/** Statuses whose answers have no body. */
const WITHOUT_BODY = [101, 204, 205, 304];
/**
 * What Node buffered of a stream before its version 22. With today's 64 KiB an answer that waits to be read holds
 * 192 KB instead of 128, and large answers that nobody reads take a quarter more processor time (measured).
 */
const SOCKET_BUFFER_BYTES = 16 * 1024;
/** Bytes of a body that wait to be read, before the connection is told to wait. */
const AHEAD_BYTES = 64 * 1024;

type HttpModule = typeof import("node:http");
type Zlib = typeof import("node:zlib");

interface Client {
  request: HttpModule["request"];
  agent: InstanceType<HttpModule["Agent"]>;
}

/**
 * By plugin and protocol. On a connection that several plugins used, one could send the first half of a request whose
 * second half would be the next plugin's.
 */
const clients = new Map<string, Client>();

function clientFor({ plugin, url: { protocol } }: Outgoing): Client {
  const key = `${plugin} ${protocol}`;
  const known = clients.get(key);
  if (known !== undefined) return known;
  freezeNode();
  openGateFor(guardSockets);
  const module = openGateFor(() => require(protocol === "https:" ? "node:https" : "node:http")) as HttpModule;
  const options = {
    keepAlive: true,
    maxSockets: MAX_SOCKETS,
    maxTotalSockets: Math.max(1, Math.floor(MAX_TOTAL_SOCKETS / pluginCount())),
    maxFreeSockets: MAX_FREE_SOCKETS,
    // Not among Node's types, but passed on to each socket.
    highWaterMark: SOCKET_BUFFER_BYTES,
  };
  const agent = new module.Agent(options);
  const client = { request: module.request, agent };
  clients.set(key, client);
  return client;
}

export type Transport = (outgoing: Outgoing) => Promise<Response>;

let transport: Transport = sendOverSockets;

/** Lets something else answer from now on: fixtures, where a plugin is tried without the network. */
export function replaceTransport(by: Transport): void {
  transport = by;
}

let noteRequest: ((outgoing: Outgoing) => void) | undefined;

/** Has each request told before it is sent. */
export function noteRequests(note: (outgoing: Outgoing) => void): void {
  noteRequest = note;
}

/** Resolves with status and headers; the body follows. Rejects with Node's errors. */
export function sendOverHttp(outgoing: Outgoing): Promise<Response> {
  noteRequest?.(outgoing);
  return transport(outgoing);
}

function sendOverSockets(outgoing: Outgoing): Promise<Response> {
  const { url, signal, body } = outgoing;
  const { request, agent } = clientFor(outgoing);
  const cause = currentCause();
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: outgoing.method, headers: headersOf(outgoing), agent });
    let answer: IncomingMessage | undefined;
    const abort = () => {
      const reason = signal.reason instanceof Error ? signal.reason : new Error("aborted");
      answer?.destroy(reason);
      sent.destroy(reason);
    };
    sent.on("error", reject);
    sent.on("response", (message) => {
      answer = message;
      message.once("close", () => signal.removeEventListener("abort", abort));
      resolve(responseOf(message, outgoing.method, cause));
    });
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    else if (body === null || body instanceof Uint8Array) sent.end(body ?? undefined);
    else writeAll(sent, body).catch((error) => sent.destroy(error instanceof Error ? error : new Error(String(error))));
  });
}

async function writeAll(sent: ClientRequest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    if (!sent.write(chunk)) await new Promise((resolve) => sent.once("drain", resolve));
  }
  sent.end();
}

function headersOf({ headers, body, method }: Outgoing): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = Object.fromEntries(headers);
  if (body instanceof Uint8Array) all["content-length"] = String(body.byteLength);
  else if (body === null && /^(POST|PUT|PATCH)$/.test(method)) all["content-length"] = "0";
  return all;
}

function responseOf(message: IncomingMessage, method: string, cause: Cause | undefined): Response {
  const headers = new Headers();
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string);
  }
  const status = message.statusCode ?? 0;
  const init = { status, statusText: message.statusMessage ?? "", headers };
  if (WITHOUT_BODY.includes(status)) {
    message.resume();
    return new Response(null, init);
  }
  // What is longer than this is given up when nobody reads it: nothing of it is read until somebody asks.
  const isLarge = method !== "HEAD" && Number(message.headers["content-length"]) > AHEAD_BYTES;
  return new Response(webStreamOf(message, isLarge ? 0 : AHEAD_BYTES, cause), init);
}

/**
 * `cause` is the call that asked for it. A plugin that never reads a large body, or not to its end, would keep its
 * connection for ever, and the number of connections is limited: when the call is over, or its deadline has passed, the
 * body is given up.
 */
function webStreamOf(
  message: IncomingMessage,
  aheadBytes: number,
  cause: Cause | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source = unpacked(message);
  let unread: unknown;
  function giveUpLater(waited: number): void {
    unread = setTimeout(() => {
      if (cause?.over || waited >= getDeadlineMs()) message.destroy(new Error("Nobody reads it"));
      else giveUpLater(waited + UNREAD_LOOK_MS);
    }, UNREAD_LOOK_MS);
  }
  /** Until somebody asks for more. */
  function waitWhenFull(controller: ReadableStreamDefaultController): void {
    if ((controller.desiredSize ?? 0) > 0) return;
    source.pause();
    giveUpLater(0);
  }
  return new ReadableStream({
    start(controller) {
      source.on("data", (chunk: Uint8Array) => {
        controller.enqueue(new Uint8Array(chunk));
        waitWhenFull(controller);
      });
      waitWhenFull(controller);
      let over = false;
      const end = (error?: Error) => {
        if (over) return;
        over = true;
        clearTimeout(unread);
        if (error === undefined) controller.close();
        else controller.error(new TypeError(error.message, { cause: error }));
      };
      source.on("end", () => end());
      source.on("error", end);
      // Closed before the end that its headers promised.
      message.on("aborted", () => end(new Error("aborted")));
      message.on("close", () => {
        if (!message.complete) end(new Error("Premature close"));
      });
    },
    pull: () => {
      clearTimeout(unread);
      source.resume();
    },
    cancel: () => {
      message.destroy();
    },
  }, { highWaterMark: aheadBytes, size: (chunk) => chunk?.byteLength ?? 0 });
}

/** What Content-Encoding says is packed, unpacked. */
function unpacked(message: IncomingMessage): Readable {
  const encoding = (message.headers["content-encoding"] ?? "").toLowerCase();
  const zlib = openGateFor(() => require("node:zlib")) as Zlib;
  const make = new Map<string, () => Transform>([
    ["gzip", zlib.createGunzip],
    ["x-gzip", zlib.createGunzip],
    ["deflate", zlib.createInflate],
    ["br", zlib.createBrotliDecompress],
  ]);
  const through = make.get(encoding)?.();
  if (through === undefined) return message;
  message.on("error", (error) => through.destroy(error));
  return message.pipe(through);
}
