/**
 * The listening server.
 * @module
 */

import { InvalidHostError } from "../../capture/arrival.ts";
import { ApiError, errorResponse } from "../api_error.ts";
import type { App } from "../app.ts";

export interface ServeOptions {
  /** The address to listen on, or a host name that resolves to it. */
  host: string;
  /** 0 selects a free port. */
  port: number;
  /** Whether other processes may listen on the same port; Linux only. */
  reusePort?: boolean;
  /** PEM texts. They turn on HTTPS, with HTTP/2 for clients that support it. */
  tls?: { cert: string; key: string };
}

export interface Server extends AsyncDisposable {
  /** The address at which a client on this machine reaches the server. */
  url: string;
  port: number;
  /** Accepts no more connections, and resolves when the current requests are answered. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts to listen. Throws AddrInUse when the port is taken, and InvalidData when certificate and key do not fit
 * together.
 */
export function serve(app: Pick<App, "fetch">, { host: hostname, port, reusePort = false, tls }: ServeOptions): Server {
  const server = Deno.serve(
    {
      hostname,
      port,
      reusePort,
      ...tls,
      onListen() {},
      // Only called for errors before the app sees the request or after it answered.
      onError: answerError,
    },
    (request, info) => app.fetch(request, info),
  );
  const address = server.addr;
  const reachable = address.hostname === "0.0.0.0" || address.hostname === "::" ? "localhost" : address.hostname;
  const host = reachable.includes(":") ? `[${reachable}]` : reachable;
  return {
    url: `${tls === undefined ? "http" : "https"}://${host}:${address.port}`,
    port: address.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function answerError(error: unknown): Response {
  if (error instanceof InvalidHostError) {
    return errorResponse(new ApiError(400, "validation_error", "invalid_host", "The header Host names no host."));
  }
  return errorResponse(new ApiError(500, "server_error", "error", "A server error occurred."));
}
