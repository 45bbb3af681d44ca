/**
 * Forwards one request to the upstream unchanged and streams both bodies. The answer is passed on exactly as it came:
 * still compressed, and with redirects unfollowed.
 * @module
 */

import { requestTimeout } from "../capture/capture_error.ts";
import { Connection } from "./http/connection.ts";
import { deadline } from "./http/deadlines.ts";
import { createPool } from "./http/pool.ts";
import { type AnswerHead, ClosedError, readHead } from "./http/read_head.ts";
import { type OutgoingRequest, parsedHost, RequestBodyError, sendRequest } from "./http/send_request.ts";
import { toResponse } from "./http/to_response.ts";

export interface Forwarded extends OutgoingRequest {
  /** The longest wait for the answer's headers, and between two pieces of a body, in milliseconds. */
  timeoutMs: number;
  /** Whether the request may be sent a second time if the upstream closed a kept-alive connection in the meantime. */
  isRepeatable: boolean;
}

/** The upstream gave no usable answer: it cannot be reached, is too slow, or does not speak HTTP correctly. */
export class UpstreamError extends Error {
  override name = "UpstreamError";
  constructor(readonly kind: "timeout" | "unreachable", message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

const pool = createPool();
/**
 * The most requests to one upstream that may wait for an answer, so that an upstream that hangs cannot use up the
 * process's file descriptors. Streamed request bodies are counted separately: a client that uploads slowly does not
 * keep others from asking for flags.
 */
const MOST_WAITING = 1000;
const waiting = new Map<string, number>();

/** Rejects with an UpstreamError, or with a RequestBodyError if the client's body is why there is no answer. */
export async function forward(forwarded: Forwarded): Promise<Response> {
  const { origin, host } = parsedHost(forwarded.host);
  const lane = forwarded.body instanceof ReadableStream ? `${origin} streams` : origin;
  const others = waiting.get(lane) ?? 0;
  if (others >= MOST_WAITING) {
    throw new UpstreamError("unreachable", `Cannot ask ${host}: ${others} requests wait for its answers`);
  }
  waiting.set(lane, others + 1);
  try {
    const kept = pool.take(origin);
    if (kept === null) return await exchange(forwarded);
    try {
      return await exchange(forwarded, kept);
    } catch (error) {
      const isStale = error instanceof UpstreamError && isClosed(error.cause);
      if (!isStale || !forwarded.isRepeatable || forwarded.body instanceof ReadableStream) throw error;
      return await exchange(forwarded);
    }
  } finally {
    waiting.set(lane, (waiting.get(lane) ?? 1) - 1);
  }
}

function isClosed(cause: unknown): boolean {
  return cause instanceof ClosedError || cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.BrokenPipe || cause instanceof Deno.errors.UnexpectedEof;
}

async function exchange(forwarded: Forwarded, kept?: Connection): Promise<Response> {
  const { timeoutMs, method, body } = forwarded;
  const url = parsedHost(forwarded.host);
  let connection = kept;
  let isLate = false;
  let waitsFor = "upstream";
  let stopOpening = (): void => {};
  const due = deadline(timeoutMs, () => {
    isLate = true;
    connection?.[Symbol.dispose]();
    stopOpening();
  });
  try {
    connection ??= await new Promise<Connection>((resolve, reject) => {
      stopOpening = () => reject(new Error("it takes too long to connect"));
      Connection.open(url).then((opened) => isLate ? opened[Symbol.dispose]() : resolve(opened), reject);
    });
    const sent = sendRequest(connection, forwarded, (next) => {
      waitsFor = next;
      due.renew();
    });
    if (!(body instanceof ReadableStream)) await sent;
    const head =
      await (body instanceof ReadableStream ? whileSending(connection, sent, method) : readHead(connection, method));
    return await toResponse(connection, head, (kept) => pool.give(url.origin, kept), timeoutMs);
  } catch (cause) {
    connection?.[Symbol.dispose]();
    if (cause instanceof RequestBodyError) throw cause;
    if (isLate && waitsFor === "client") {
      throw new RequestBodyError("the body came too slowly", { cause: requestTimeout(timeoutMs / 1000) });
    }
    if (!isLate) {
      throw new UpstreamError("unreachable", `Cannot reach ${url.host}: ${messageOf(cause)}`, { cause });
    }
    throw new UpstreamError("timeout", `Cannot get an answer of ${url.host}: none came within ${timeoutMs} ms`, {
      cause,
    });
  } finally {
    due.met();
  }
}

/** An upstream may answer before it has read the whole request body. The connection cannot be reused after that. */
async function whileSending(connection: Connection, sent: Promise<void>, method: string): Promise<AnswerHead> {
  let isSent = false;
  const failed = sent.then(() => isSent = true).then(() => new Promise<never>(() => {}));
  const head = await Promise.race([readHead(connection, method), failed]);
  return isSent ? head : { ...head, isKept: false };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
