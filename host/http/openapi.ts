/**
 * Generates the OpenAPI document from the routes' own schemas.
 * @module
 */

import { z } from "zod";
import { CSRF_HEADER } from "./access/access.ts";
import { COOKIE } from "./access/sessions.ts";
import type { Operation } from "./route.ts";

const ERROR_SCHEMA = {
  type: "object",
  properties: {
    type: { type: "string" },
    code: { type: "string" },
    detail: { type: "string", description: "What was found and what was expected." },
    attr: { type: ["string", "null"], description: "The field that is wrong." },
    pointer: { type: "string", description: "JSON pointer to it, in answers 400 and 409." },
    current: { description: "What the thing is now, in answers 412." },
  },
  required: ["type", "code", "detail", "attr"],
};

/** A JSON Schema, or a part of the document. */
type Json = Record<string, unknown>;

/**
 * The document for operations that require authentication, and for those that do not (logging in and out), which list
 * all of their errors themselves. `version` is the service's.
 */
export function openApiDocument(operations: readonly Operation[], open: readonly Operation[], version: string): Json {
  const paths: Record<string, Json> = {};
  const add = (operation: Operation, description: Json) =>
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = description;
  for (const operation of operations) add(operation, describe(operation, commonErrors(operation)));
  for (const operation of open) add(operation, { ...describe(operation, {}), security: [] });
  return {
    openapi: "3.1.0",
    info: {
      title: "Hogpen",
      version,
      description:
        "State and steering of the service. Events enter through PostHog's capture API, which is not described here.",
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "The admin token, or one made with it." },
        session: { type: "apiKey", in: "cookie", name: COOKIE, description: `Changes also need ${CSRF_HEADER}.` },
      },
      schemas: { Error: ERROR_SCHEMA },
    },
    security: [{ token: [] }, { session: [] }],
  };
}

function describe(operation: Operation, common: Record<number, string>): Json {
  const { method, path, summary, params, query, body, takesFile, response, answerType, errors } = operation;
  const content = takesFile
    ? { "application/octet-stream": {} }
    : body && { "application/json": { schema: schemaOf(body, "input") } };
  return {
    summary,
    operationId: operationId(method, path),
    parameters: [...parametersOf(params, "path"), ...parametersOf(query, "query")],
    ...(content && { requestBody: { content } }),
    responses: {
      200: { description: "Done", content: { [answerType]: { schema: schemaOf(response, "output") } } },
      ...Object.fromEntries(
        Object.entries({ ...common, ...errors }).map(([status, description]) => [
          status,
          { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } },
        ]),
      ),
    },
  };
}

/** Errors that every authenticated operation with input may answer. */
function commonErrors({ method, params, query, body }: Operation): Record<number, string> {
  const isRefusable = [...parametersOf(params, "path"), ...parametersOf(query, "query")]
    .some(({ schema }) => JSON.stringify(schema) !== '{"type":"string"}');
  return {
    ...((body !== undefined || isRefusable) && { 400: "A value that will not do" }),
    401: "The token is missing or wrong",
    ...(method !== "GET" && { 403: "A viewer may not change anything" }),
    ...(body !== undefined && { 413: "The body is larger than 1 MB" }),
    429: "Too many wrong tokens came from this address",
  };
}

function parametersOf(schema: z.ZodObject, where: "path" | "query"): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, "input");
  return Object.entries(properties).map(([name, parameter]) => {
    const { description, ...rest } = parameter as Json;
    return {
      name,
      in: where,
      required: where === "path" || required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json & { properties?: Json; required?: string[] } {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // Numbers arrive as text in paths and queries, but are documented as numbers.
      if (def.type === "number" && jsonSchema.type === undefined) jsonSchema.type = "integer";
      // zod adds the bounds of JavaScript's safe integers.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return rest as Json & { properties?: Json; required?: string[] };
}

/** For example `getPluginConfigsIdLogs`. */
function operationId(method: string, path: string): string {
  const words = path.replace("/_hogpen/api/", "").split(/[^a-z0-9]+/i).filter(Boolean);
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
