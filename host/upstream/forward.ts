/**
 * One request sent on as it is, streamed both ways, and its answer. Node's client, since Deno's own unpacks what it receives.
 * @module
 */

import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";

export interface Forwarded {
  url: URL;
  method: string;
  headers: Headers;
  body: ReadableStream<Uint8Array> | Uint8Array | null;
  /** Milliseconds until the answer's headers must have come. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/** The upstream did not answer: it is away, slow or not to be understood. */
export class UpstreamError extends Error {
  override name = "UpstreamError";
  constructor(readonly kind: "timeout" | "unreachable", message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

const agents = {
  "http:": new http.Agent({ keepAlive: true, maxSockets: 500, maxFreeSockets: 50 }),
  "https:": new https.Agent({ keepAlive: true, maxSockets: 500, maxFreeSockets: 50 }),
};

/** Meant for one connection, not for those at its ends. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** The headers without those that are for one connection alone. */
export function withoutHopByHop(headers: Headers): Headers {
  const kept = new Headers(headers);
  const named = (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase());
  for (const name of [...HOP_BY_HOP, ...named]) if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) kept.delete(name);
  return kept;
}

/** @throws UpstreamError */
export function forward({ url, method, headers, body, timeoutMs, signal }: Forwarded): Promise<Response> {
  const client = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.request(url, {
      method,
      headers: Object.fromEntries(headers),
      agent: agents[url.protocol as keyof typeof agents],
    });
    const timer = setTimeout(() => {
      request.destroy(
        new UpstreamError("timeout", `Cannot get an answer of ${url.host}: none came within ${timeoutMs} ms`),
      );
    }, timeoutMs);
    const abort = () => request.destroy();
    signal?.addEventListener("abort", abort, { once: true });
    request.on("error", (error) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      reject(
        error instanceof UpstreamError
          ? error
          : new UpstreamError("unreachable", `Cannot reach ${url.host}: ${error.message}`, { cause: error }),
      );
    });
    request.on("response", (message) => {
      clearTimeout(timer);
      message.on("close", () => signal?.removeEventListener("abort", abort));
      resolve(toResponse(message));
    });
    if (body === null) request.end();
    else if (body instanceof Uint8Array) request.end(body);
    else {Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).on(
        "error",
        (error) => request.destroy(error),
      ).pipe(request);}
  });
}

/** Statuses whose answers have no body. */
const WITHOUT_BODY = [101, 204, 205, 304];

function toResponse(message: http.IncomingMessage): Response {
  const headers = new Headers();
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string);
  }
  const status = message.statusCode ?? 502;
  const init = { status, statusText: message.statusMessage ?? "", headers: withoutHopByHop(headers) };
  if (WITHOUT_BODY.includes(status)) {
    message.resume();
    return new Response(null, init);
  }
  return new Response(Readable.toWeb(message) as ReadableStream<Uint8Array<ArrayBuffer>>, init);
}
