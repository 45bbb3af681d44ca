/**
 * One operation of the API: zod schemas of its input and output, and its handler. The same schemas check requests,
 * filter answers and generate the OpenAPI document, so that the three cannot disagree.
 * @module
 */

import { z } from "zod";
import { describeIssues } from "../config/describe_issues.ts";
import type { Actor } from "./access/access.ts";
import { ApiError, invalidInput } from "./api_error.ts";
import { readRequestBody } from "./read_request_body.ts";

/** The limit of a request body in bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who calls, and which version of the thing they have seen. */
export interface RouteCaller {
  actor: Actor;
  /** The number in If-Match; null when the header is absent. */
  ifMatch: number | null;
  /** The request, whose body has already been read. */
  request: Request;
}

/** Records in the audit that somebody does something, before it is done. */
export type NoteAction = (entry: { actor: Actor; action: string; target: string; body: unknown }) => Promise<void>;

type Shape = Record<string, z.ZodType>;
type Values<S extends Shape> = z.infer<z.ZodObject<S>>;

/** An operation's description and its handler. */
export interface RouteSpec<P extends Shape, Q extends Shape, B extends z.ZodType, R extends z.ZodType> {
  method: HttpMethod;
  /** The path, with `{name}` for parameters. */
  path: string;
  summary: string;
  params?: P;
  query?: Q;
  body?: B;
  /** True when the body is a file, which is passed on unparsed. */
  takesFile?: true;
  /** The schema of the answer 200; fields that it does not name are left out. */
  response: R;
  /** The content type of the answer, when it is not JSON. */
  answerType?: string;
  /** Other answers, described by status. */
  errors?: Record<number, string>;
  /**
   * For operations that change something: `self` when the handler writes the audit together with the change, `none`
   * when nothing is changed after all.
   */
  audit?: "self" | "none";
  /** The version of the answered thing, for ETag. */
  version?(answer: z.output<R>): number;
  /** A Response is sent unchanged. */
  handle(
    input: { params: Values<P>; query: Values<Q>; body: z.infer<B> } & RouteCaller,
  ): Promise<z.input<R> | Response>;
}

/** What the OpenAPI document says about an operation. */
export interface Operation {
  method: HttpMethod;
  path: string;
  summary: string;
  params: z.ZodObject;
  query: z.ZodObject;
  body: z.ZodType | undefined;
  takesFile: boolean;
  response: z.ZodType;
  answerType: string;
  /** In addition to the errors that every operation of its kind has. */
  errors: Record<number, string>;
}

/** An operation that is ready to be served and documented. */
export interface Route extends Operation {
  serve(
    request: Request,
    params: Record<string, string>,
    query: URLSearchParams,
    actor: Actor,
    note: NoteAction,
  ): Promise<Response>;
}

const NOTHING = z.undefined();

/** Combines the schemas of a spec with its handler. */
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
    takesFile: spec.takesFile ?? false,
    response: spec.response,
    answerType: spec.answerType ?? "application/json",
    errors: spec.errors ?? {},
    async serve(request, givenParams, givenQuery, actor, note) {
      const input = {
        params: check(params, givenParams),
        query: check(query, Object.fromEntries(givenQuery)),
        body: check(spec.body ?? NOTHING, spec.body ? await readJson(request) : undefined) as z.infer<B>,
        ifMatch: readIfMatch(request),
        actor,
        request,
      };
      if (spec.method !== "GET" && spec.audit === undefined) {
        const [target, action] = targetOf(spec.path, givenParams, spec.method);
        await note({ actor, action, target, body: input.body });
      }
      const result = await spec.handle(input);
      if (result instanceof Response) return result;
      const answer = spec.response.parse(result) as z.output<R>;
      const version = spec.version?.(answer);
      return Response.json(answer, { headers: version === undefined ? {} : { etag: `"${version}"` } });
    },
  };
}

/** For example `plugin_configs/39` and `restart` from `/…/plugin_configs/{id}/restart`. */
function targetOf(path: string, params: Record<string, string>, method: HttpMethod): [target: string, action: string] {
  const filled = path.replace(/^.*?\/api\//, "").replaceAll(/\{(\w+)\}/g, (_, name) => params[name] ?? "");
  const word = /\/([a-z_]+)$/.exec(path)?.[1] ?? "";
  if (method === "DELETE") return [filled, "delete"];
  if (!path.includes("{")) return [filled, "create"];
  return path.endsWith("}") ? [filled, "change"] : [filled.slice(0, -word.length - 1), word];
}

function readIfMatch(request: Request): number | null {
  const given = request.headers.get("if-match");
  if (given === null || given === "*") return null;
  const version = /^(?:W\/)?"?(\d{1,15})"?$/.exec(given.trim())?.[1];
  if (version !== undefined) return Number(version);
  throw invalidInput(`If-Match: found ${JSON.stringify(given.slice(0, 60))}, expected the ETag of an earlier answer`);
}

function check<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path ?? [];
  const attr = path.length > 0 ? path.join(".") : null;
  const pointer = path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const detail = describeIssues(result.error, value).join("; ");
  throw new ApiError(400, "validation_error", "invalid_input", detail, attr, {}, { pointer });
}

/** The body as JSON; an empty body counts as `{}`. */
async function readJson(request: Request): Promise<unknown> {
  const bytes = await readRequestBody(request, MAX_BODY_BYTES);
  if (bytes.byteLength === 0) return {};
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError(400, "validation_error", "parse_error", `JSON parse error: ${error.message}`);
  }
}
