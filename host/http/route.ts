/**
 * One operation of the API: what it takes and answers as zod schemas, and the function that does it. The same schemas check the
 * requests, filter the answers and write the OpenAPI document, so that the three cannot disagree.
 * @module
 */

import { z } from "zod";
import { describeIssues } from "../config/describe_issues.ts";
import { CaptureError } from "../capture/capture_error.ts";
import { readBody } from "../capture/body/read_body.ts";
import { ApiError, invalidInput } from "./api_error.ts";

/** Bound of a request body. */
const MAX_BODY_BYTES = 1024 * 1024;

type Shape = Record<string, z.ZodType>;
type Values<S extends Shape> = z.infer<z.ZodObject<S>>;

/** What an operation is, and its handler. */
export interface RouteSpec<P extends Shape, Q extends Shape, B extends z.ZodType, R extends z.ZodType> {
  method: "GET" | "POST" | "DELETE";
  /** With `{name}` for parameters. */
  path: string;
  summary: string;
  params?: P;
  query?: Q;
  body?: B;
  /** Of the answer 200; fields that it does not name are left out. */
  response: R;
  /** What else it may answer, in words by status. */
  errors?: Record<number, string>;
  /** A Response is sent as it is. */
  handle(input: { params: Values<P>; query: Values<Q>; body: z.infer<B> }): Promise<z.input<R> | Response>;
}

/** An operation ready to be served and documented. */
export interface Route {
  method: "GET" | "POST" | "DELETE";
  path: string;
  summary: string;
  params: z.ZodObject;
  query: z.ZodObject;
  body: z.ZodType | undefined;
  response: z.ZodType;
  errors: Record<number, string>;
  serve(request: Request, params: Record<string, string>, query: URLSearchParams): Promise<Response>;
}

const NOTHING = z.undefined();

/** Binds the spec's schemas to its handler. */
export function route<
  R extends z.ZodType,
  P extends Shape = Record<never, never>,
  Q extends Shape = Record<never, never>,
  B extends z.ZodType = typeof NOTHING,
>(spec: RouteSpec<P, Q, B, R>): Route {
  const params = z.object((spec.params ?? {}) as P);
  const query = z.object((spec.query ?? {}) as Q);
  return {
    method: spec.method,
    path: spec.path,
    summary: spec.summary,
    params,
    query,
    body: spec.body,
    response: spec.response,
    errors: spec.errors ?? {},
    async serve(request, givenParams, givenQuery) {
      const result = await spec.handle({
        params: check(params, givenParams),
        query: check(query, Object.fromEntries(givenQuery)),
        body: check(spec.body ?? NOTHING, spec.body ? await readJson(request) : undefined) as z.infer<B>,
      });
      return result instanceof Response ? result : Response.json(spec.response.parse(result));
    },
  };
}

function check<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path ?? [];
  const attr = path.length > 0 ? path.join(".") : null;
  throw invalidInput(describeIssues(result.error, value).join("; "), attr);
}

/** The body as JSON; an empty one counts as `{}`. */
async function readJson(request: Request): Promise<unknown> {
  try {
    const bytes = await readBody(request, MAX_BODY_BYTES);
    return bytes.byteLength === 0 ? {} : JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new ApiError(400, "validation_error", "parse_error", `JSON parse error: ${error.message}`);
    }
    if (error instanceof CaptureError && error.status === 413) {
      throw new ApiError(413, "validation_error", "request_too_large", error.message);
    }
    throw error;
  }
}
