/**
 * Appends records to the inbox. Appends that arrive during a send share the next one: with several sends in flight, a
 * client that retries one of them would send it out of order.
 * @module
 */

import type { Buffer } from "node:buffer";
import type { MessageToProduce, Producer, ProduceResult } from "@platformatic/kafka";
import { LogUnavailableError } from "../../event_log.ts";
import { hasInIt } from "../cluster/client_error.ts";
import { describe } from "../cluster/topics.ts";
import type { Renewable } from "../cluster/renewable.ts";
import { cutSends, describeTooLarge, fits } from "./cut_sends.ts";

export type Message = MessageToProduce<Buffer, Buffer, Buffer, Buffer>;
export type LogProducer = Producer<Buffer, Buffer, Buffer, Buffer>;

export interface AppenderOptions {
  producer: Renewable<LogProducer>;
  /** How long an append waits for Kafka before it is refused, in milliseconds. */
  waitMs: number;
  /** The bytes that may wait; further appends are refused at once. */
  maxWaitingBytes: number;
  /** The most bytes that Kafka takes for a partition at once. */
  messageBytes: number;
  onError(error: unknown): void;
}

interface Waiting {
  messages: Message[];
  bytes: number;
  /** Milliseconds since the epoch. */
  until: number;
  resolve(): void;
  reject(error: Error): void;
}

/** The bytes of the appends that share a send. */
const SEND_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 200;
/** Longer than the client keeps trying to send what nobody waits for any more. */
const ABANDONED_MS = 120_000;

export class Appender implements AsyncDisposable {
  readonly #options: AppenderOptions;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every message is durable on as many brokers as the topic requires. Rejects with LogUnavailableError,
   * or with RangeError when one is larger than Kafka takes.
   */
  append(messages: Message[]): Promise<void> {
    const { maxWaitingBytes, messageBytes, waitMs } = this.#options;
    const tooLarge = messages.find((message) => !fits(message, messageBytes));
    if (tooLarge !== undefined) return Promise.reject(new RangeError(describeTooLarge(tooLarge, messageBytes)));
    const bytes = messages.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
    if (this.#closed || (this.#bytes > 0 && this.#bytes + bytes > maxWaitingBytes)) {
      return Promise.reject(
        new LogUnavailableError("Cannot store events: Kafka does not keep up, and enough wait for it"),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#bytes += bytes;
    this.#waiting.push({ messages, bytes, until: Date.now() + waitMs, resolve, reject });
    this.#running ??= this.#run().finally(() => this.#running = null);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      const error = await this.#send(batch);
      for (const each of batch) {
        if (error === null) each.resolve();
        else each.reject(error);
      }
    }
  }

  #takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const each of this.#waiting) {
      bytes += each.bytes;
      if (count > 0 && bytes > SEND_BYTES) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** Retries until the first append of the batch has waited long enough. Null when the batch is durable. */
  async #send(batch: Waiting[]): Promise<Error | null> {
    const { producer, messageBytes } = this.#options;
    let left = cutSends(batch.flatMap((each) => each.messages), messageBytes);
    const until = Math.min(...batch.map((each) => each.until));
    // The bytes count for as long as a try has them, also one that nobody waits for any more.
    let sent: Promise<unknown> = Promise.resolve();
    using _released = { [Symbol.dispose]: () => this.#releaseAfter(sent, batch) };
    for (;;) {
      try {
        while (left.length > 0) {
          const [messages = []] = left;
          sent = producer.use((client) => client.send({ messages, acks: -1 }));
          await beforeTime(sent, until);
          left.shift();
        }
        return null;
      } catch (error) {
        if (error instanceof TooLateError) producer.renew();
        this.#options.onError(error);
        left = [withoutStored(left[0] ?? [], error), ...left.slice(1)].filter((messages) => messages.length > 0);
        // It would be refused again, and what the other partitions took would be there twice.
        const hopeless = hasInIt(error, "apiId", "MESSAGE_TOO_LARGE");
        if (hopeless || this.#closed || Date.now() + RETRY_MS >= until) {
          return new LogUnavailableError(`Cannot store events: Kafka does not take them: ${describe(error)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #releaseAfter(sent: Promise<unknown>, batch: Waiting[]): void {
    const bytes = batch.reduce((sum, each) => sum + each.bytes, 0);
    void beforeTime(sent, Date.now() + ABANDONED_MS).catch(() => {}).then(() => this.#bytes -= bytes);
  }
}

/** Messages for the partitions that are not known to have stored theirs when the send failed. */
function withoutStored(messages: Message[], error: unknown): Message[] {
  const { offsets = [] } = (error as { produced?: ProduceResult } | null)?.produced ?? {};
  const stored = new Set(offsets.map(({ topic, partition }) => `${topic} ${partition}`));
  return messages.filter(({ topic, partition }) => !stored.has(`${topic} ${partition}`));
}

/** What became of a send is not known: a broker that stands still answers nothing. */
class TooLateError extends Error {
  override name = "TooLateError";
  constructor() {
    super("Kafka does not answer");
  }
}

/** Rejects with TooLateError when the time comes first (milliseconds since the epoch). */
async function beforeTime<T>(result: Promise<T>, until: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new TooLateError()), Math.max(0, until - Date.now()));
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
