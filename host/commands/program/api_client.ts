/**
 * A client of a running service's API, for its operator.
 * @module
 */

import { join } from "node:path";
import { readCertificates, trustCertificates } from "../../ca_certificates.ts";
import { CommandError, EXIT_FAILED, EXIT_UNREACHABLE, EXIT_USAGE } from "./terminal.ts";

export interface ApiOptions {
  /** The address of the service. */
  url?: string;
  adminToken?: string;
  /** The service's data folder, which contains the token. */
  data?: string;
}

export interface ApiClient {
  url: string;
  /** Resolves with the answer as JSON. Rejects with a CommandError. */
  ask<T>(path: string, method?: string, body?: unknown): Promise<T>;
  /** All entries of a list, however many pages it has. `path` has no query. */
  askAll<T>(path: string): Promise<T[]>;
  /** One page of events, and the cursor behind it. */
  askPage<T>(path: string): Promise<T & { cursor: string }>;
}

const DEFAULT_PORT = "8000";

/** The API's address of a service on this machine, from the same variables that the service reads at its start. */
function localUrl(): string {
  const port = Deno.env.get("HOGPEN_ADMIN_PORT") || Deno.env.get("HOGPEN_PORT") || DEFAULT_PORT;
  return Deno.env.get("HOGPEN_TLS_CERT") ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
}

/** Throws a CommandError. */
function trustOwnAuthorities(): void {
  const path = Deno.env.get("HOGPEN_CA_CERTS");
  if (!path) return;
  try {
    trustCertificates(readCertificates(path));
  } catch (error) {
    throw new CommandError(`HOGPEN_CA_CERTS: found ${path}, expected ${(error as Error).message}`, EXIT_USAGE);
  }
}

/**
 * Options take precedence over variables (HOGPEN_URL, HOGPEN_ADMIN_TOKEN, HOGPEN_DATA), and those over the files of a
 * local service.
 */
export async function openApi(options: ApiOptions): Promise<ApiClient> {
  const url = (options.url ?? Deno.env.get("HOGPEN_URL") ?? localUrl()).replace(/\/+$/, "");
  if (!URL.canParse(url)) {
    throw new CommandError(`--url: found ${url}, expected an address such as ${localUrl()}`, EXIT_USAGE);
  }
  trustOwnAuthorities();
  const path = join(options.data ?? Deno.env.get("HOGPEN_DATA") ?? "./data", "admin_token");
  const token = (options.adminToken ?? Deno.env.get("HOGPEN_ADMIN_TOKEN")) ||
    (await Deno.readTextFile(path).catch(() => "")).trim();
  if (token === "") {
    throw new CommandError(
      `Cannot ask ${url}: there is no admin token in ${path}. Name it with --admin-token or HOGPEN_ADMIN_TOKEN`,
      EXIT_USAGE,
    );
  }

  async function request(path: string, method: string, body: unknown): Promise<{ text: string; cursor: string }> {
    let response: Response;
    try {
      response = await fetch(`${url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      throw new CommandError(
        `Cannot reach the service at ${url}: ${reasonOf(cause)}. Is it running? Name it with --url or HOGPEN_URL`,
        EXIT_UNREACHABLE,
        { cause },
      );
    }
    const text = await response.text();
    if (response.ok) return { text, cursor: response.headers.get("x-cursor") ?? "" };
    throw new CommandError(`Cannot ${method} ${path}: ${detailOf(text)} (${response.status})`, EXIT_FAILED);
  }

  return {
    url,
    ask: async (path, method = "GET", body) => JSON.parse((await request(path, method, body)).text),
    async askAll<T>(path: string) {
      const all: T[] = [];
      for (let next: string | null = ""; next !== null;) {
        const { text } = await request(`${path}?${new URLSearchParams({ next })}`, "GET", undefined);
        const page = JSON.parse(text) as { results: T[]; next: string | null };
        all.push(...page.results);
        next = page.next;
      }
      return all;
    },
    async askPage(path) {
      const { text, cursor } = await request(path, "GET", undefined);
      return { ...JSON.parse(text), cursor };
    },
  };
}

function reasonOf(cause: unknown): string {
  const { message, cause: inner } = cause as Error;
  const words = inner instanceof Error ? inner.message : message;
  if (/refused/i.test(words)) return "nothing listens there";
  const end = words.replace(/^.*: /, "");
  return /certificate/i.test(words) ? `its certificate is not accepted (${end})` : end;
}

function detailOf(text: string): string {
  try {
    return String((JSON.parse(text) as { detail?: unknown }).detail ?? text);
  } catch {
    return text.slice(0, 200);
  }
}
