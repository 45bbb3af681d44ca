/**
 * Asks the API of a running service, and holds its answers against docs/openapi.json.
 * @module
 */

import assert from "node:assert/strict";
import { ADMIN_TOKEN, type RunningService } from "./service.ts";
import { OPENAPI_FILE } from "./write_openapi.ts";

export interface Parameter {
  name: string;
  in: "path" | "query";
  schema: Record<string, unknown>;
}

export interface Documented {
  parameters: Parameter[];
  requestBody?: { content: Record<string, unknown> };
  responses: Record<string, unknown>;
}

export interface Question {
  /** Values of `{…}` in the path, by name. */
  at?: Record<string, string | number>;
  query?: Record<string, string | number>;
  body?: unknown;
  /** Null: none. */
  token?: string | null;
  headers?: Record<string, string>;
}

/** The operations of docs/openapi.json, by `GET /_hogpen/api/…`. */
export const DOCUMENTED: ReadonlyMap<string, Documented> = new Map(
  Object.entries(JSON.parse(await Deno.readTextFile(OPENAPI_FILE)).paths as Record<string, Record<string, Documented>>)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const)
    ),
);
/** Asks, and keeps which answers were seen. An answer that is not documented fails. */
export class Asker {
  readonly #seen = new Map<string, Set<string>>();

  constructor(readonly service: RunningService) {}

  /** The answer, which has the status that is expected or one of several. */
  async ask<T>(operation: string, question: Question, expected: number | number[]): Promise<T> {
    const documented = DOCUMENTED.get(operation);
    assert(documented, `${operation} is not documented`);
    const [method = "", path = ""] = operation.split(" ");
    const { at = {}, query = {}, body, token = ADMIN_TOKEN, headers = {} } = question;
    const target = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(at[name])));
    const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    const answer = await fetch(`${this.service.url}${target}?${search}`, {
      method,
      headers: { ...(token !== null && { Authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const isStream = answer.headers.get("content-type") === "text/event-stream";
    const text = isStream ? "{}" : await answer.text();
    if (isStream) await answer.body?.cancel();
    const status = String(answer.status);
    assert(status in documented.responses, `${operation} answered ${status}, which is not documented: ${text}`);
    if (![expected].flat().includes(answer.status)) {
      const asked = JSON.stringify({ ...question, body: body instanceof Uint8Array ? `${body.length} bytes` : body })
        .slice(0, 300);
      assert.fail(`${operation} ${asked} answered ${status}, not ${expected}: ${text.slice(0, 500)}`);
    }
    this.#seen.set(operation, (this.#seen.get(operation) ?? new Set()).add(status));
    return text.startsWith("{") ? JSON.parse(text) as T : text as T;
  }

  /** `POST /…: 409`, for each that is documented and was not seen. */
  unseen(): string[] {
    return Array.from(DOCUMENTED).flatMap(([operation, { responses }]) =>
      Object.keys(responses).filter((status) => !this.#seen.get(operation)?.has(status)).map((status) =>
        `${operation}: ${status}`
      )
    );
  }
}
