/**
 * Sends one POST to a destination, and interprets the answer for the events in it.
 * @module
 */

import { TryLaterError } from "../../consumers/sink.ts";
import type { PartOutcome } from "../partial_delivery.ts";
import { parseRetryAfter } from "./retry_after.ts";

export interface HttpPosterOptions {
  url: string;
  timeoutMs: number;
  /** Texts that must not appear in errors, such as keys and headers. */
  secrets: string[];
  now?: (() => number) | undefined;
}

/** How many bytes of an answer's body are read, to be quoted in errors. */
const MAX_ANSWER_BYTES = 2_000;
const MAX_QUOTE = 300;

/** The answer of the far side. */
export interface Answer {
  status: number;
  /** From Retry-After. */
  retryAfterMs: number | undefined;
  /** "<origin> answered <status> (<start of the body>)", without credentials. */
  reason: string;
}

/**
 * Statuses that concern the address or the credentials, not the events. Waiting until the operator corrects them loses
 * nothing.
 */
const CONFIGURATION_STATUSES = new Set([401, 402, 403, 404, 405, 407, 410]);
const LATER_STATUSES = new Set([408, 421, 425, 429]);

/** Posts to one address through its own connection pool, which the first post opens. */
export class HttpPoster implements Disposable {
  readonly #options: HttpPosterOptions;
  readonly #url: URL;
  #client: Deno.HttpClient | null = null;

  constructor(options: HttpPosterOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
  }

  /** Rejects with TryLaterError when there is no answer, and with the signal's reason when that aborts. */
  async post(body: BodyInit, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const { timeoutMs, now = Date.now } = this.#options;
    const controller = new AbortController();
    const abort = () => controller.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => controller.abort(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        body,
        headers,
        // Following a 301 or 302 would turn the request into a GET without the events.
        redirect: "manual",
        signal: controller.signal,
        client: this.#client ??= Deno.createHttpClient({}),
      });
      const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), now());
      const text = await readStart(response).catch(() => "");
      const quote = text === "" ? "" : ` (${this.#clean(text)})`;
      return {
        status: response.status,
        retryAfterMs,
        reason: `${this.#url.origin} answered ${response.status}${quote}`,
      };
    } catch (error) {
      signal.throwIfAborted();
      const cause = controller.signal.aborted ? controller.signal.reason : error;
      throw new TryLaterError(`Cannot send events to ${this.#url.origin}: ${this.#clean(messageOf(cause))}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  [Symbol.dispose](): void {
    this.#client?.close();
    this.#client = null;
  }

  #clean(text: string): string {
    // The path of a webhook is often a secret, so errors name the origin alone.
    let clean = text.replaceAll(this.#url.href, this.#url.origin);
    for (const secret of this.#options.secrets) {
      if (secret.length > 3) clean = clean.replaceAll(secret, "***");
    }
    return clean.replace(/[\p{Cc}\s]+/gu, " ").trim().slice(0, MAX_QUOTE);
  }
}

/** What an answer means for the events in the request. Throws TryLaterError when it says nothing about them. */
export function outcomeOf({ status, retryAfterMs, reason }: Answer): PartOutcome {
  if (status >= 200 && status < 300) return { kind: "taken" };
  if (status === 413) return { kind: "too large", reason };
  if (status === 500 && retryAfterMs === undefined) return { kind: "broke", reason };
  if (status < 400) throw new TryLaterError(`${reason}, a redirect: put the final address into the configuration`);
  if (CONFIGURATION_STATUSES.has(status)) {
    throw new TryLaterError(`${reason}: check address and credentials in the configuration`, retryAfterMs);
  }
  if (status >= 500 || LATER_STATUSES.has(status)) throw new TryLaterError(reason, retryAfterMs);
  return { kind: "refused", reason };
}

/** The start of the body. The rest is discarded. */
async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.length;
    if (bytes >= MAX_ANSWER_BYTES) break;
  }
  return text;
}

/** fetch itself says "error sending request"; the useful part is in the cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
