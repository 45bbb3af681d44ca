/**
 * The destination `webhook` POSTs batches of events, signed as Standard Webhooks specifies.
 * @module
 */

import { createHash } from "node:crypto";
import { PauseError, type Rejection, type Sink, TryLaterError } from "../../consumers/sink.ts";
import type { StoredRecord } from "../../log/event_log.ts";
import { isRecord } from "../../../runtime/is_record.ts";
import { HttpPoster, outcomeOf } from "../http/http_poster.ts";
import { type Item, PartialDelivery, type PartOutcome } from "../partial_delivery.ts";
import { prepareItems } from "../prepare_items.ts";
import { secretBytes, type WebhookOptions } from "./webhook_options.ts";
import { signedHeaders } from "./webhook_signature.ts";

export interface WebhookSinkDeps {
  /** Part of message ids, so that two destinations never send the same id. */
  destinationId: string;
  now?: (() => number) | undefined;
}

/** The random part of each wait, so that many senders do not return at the same time. */
const JITTER = 0.1;

/** A message of the same events always has the same `webhook-id`, however often it is sent and also after a restart. */
export class WebhookSink implements Sink {
  readonly #options: WebhookOptions;
  readonly #deps: WebhookSinkDeps;
  readonly #keys: Uint8Array[];
  readonly #poster: HttpPoster;
  readonly #delivery: PartialDelivery<string>;
  /** Consecutive failed deliveries. */
  #failures = 0;

  constructor(options: WebhookOptions, deps: WebhookSinkDeps) {
    const secrets = [options.secret].flat();
    const { pathname, search, searchParams } = new URL(options.url);
    this.#options = options;
    this.#deps = deps;
    this.#keys = secrets.flatMap((secret) => secretBytes(secret) ?? []);
    this.#poster = new HttpPoster({
      url: options.url,
      timeoutMs: options.timeout_seconds * 1000,
      secrets: [...secrets, ...Object.values(options.headers), pathname, search, ...searchParams.values()],
      now: deps.now,
    });
    this.#delivery = new PartialDelivery({
      send: (part, signal) => this.#send(part, signal),
      sizeOf: (json) => json.length,
    });
  }

  async deliver(batch: StoredRecord[], signal: AbortSignal): Promise<Rejection[]> {
    const { items, rejections } = prepareItems(batch, ({ event }) => eventText(event));
    try {
      rejections.push(...await this.#delivery.deliver(items, signal));
    } catch (error) {
      if (!(error instanceof TryLaterError)) throw error;
      throw new TryLaterError(error.message, error.retryAfterMs ?? this.#nextWaitMs());
    }
    this.#failures = 0;
    return rejections;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#poster[Symbol.dispose]();
    return Promise.resolve();
  }

  async #send(part: Item<string>[], signal: AbortSignal): Promise<PartOutcome> {
    const { now = Date.now, destinationId } = this.#deps;
    // When the log took the newest event. It is the same at every attempt, so that the message and its id do not
    // change.
    const timestamp = new Date(part.at(-1)?.record.at ?? 0).toISOString();
    const events = part.map(({ content }) => content).join(",");
    const body = `{"type":"events.batch","timestamp":"${timestamp}","data":{"events":[${events}]}}`;
    const id = `msg_${createHash("sha256").update(`${destinationId}\n${body}`).digest("base64url")}`;
    const answer = await this.#poster.post(body, {
      ...this.#options.headers,
      "content-type": "application/json",
      ...signedHeaders(id, Math.floor(now() / 1000), body, this.#keys),
    }, signal);
    if (answer.status === 410) {
      throw new PauseError(`${answer.reason}: the receiver wants no more events. Resume when it does`);
    }
    return outcomeOf(answer);
  }

  #nextWaitMs(): number {
    const waits = this.#options.retry_seconds;
    const seconds = waits[Math.min(this.#failures++, waits.length - 1)] ?? 0;
    return seconds * 1000 * (1 + Math.random() * JITTER);
  }
}

/** Checks that the event is JSON, because the events of a message share one JSON text. */
function eventText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  if (!isRecord(JSON.parse(text))) throw new TypeError("Cannot send the event: it is not a JSON object");
  return text;
}
