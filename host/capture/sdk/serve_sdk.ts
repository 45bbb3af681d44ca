/**
 * Adds a route that SDKs and pages request: it answers preflights, lets pages of any origin read the answer, and
 * reports errors in the form that SDKs read.
 * @module
 */

import type { Context, Hono } from "hono";
import type { ConnectionInfo } from "../arrival.ts";
import { CaptureError } from "../capture_error.ts";
import { addCorsHeaders } from "../cors.ts";
import { ok, refuse } from "../respond.ts";

export type SdkHandler = (request: Request, query: URLSearchParams, context: Context) => Promise<Response> | Response;

/** Adds the route. A CaptureError thrown by the handler becomes its answer. */
export function serveSdk(
  app: Hono<{ Bindings: ConnectionInfo }>,
  path: string,
  handler: SdkHandler,
  methods = ["GET", "POST"],
): void {
  app.on([...methods, "OPTIONS"], path, async (context) => {
    const request = context.req.raw;
    const response = request.method === "OPTIONS" ? ok() : await answer(handler, request, context);
    addCorsHeaders(response.headers, request);
    return response;
  });
}

async function answer(handler: SdkHandler, request: Request, context: Context): Promise<Response> {
  try {
    return await handler(request, new URL(request.url).searchParams, context);
  } catch (error) {
    if (error instanceof CaptureError) return refuse(error);
    throw error;
  }
}
