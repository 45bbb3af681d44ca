/**
 * Runs the router's steps as transactions: records for the outbox and the progress of routing are written together or
 * not at all. Steps that arrive during a transaction share the next one.
 *
 * Before a transaction is committed it names the group's generation, which Kafka refuses from a host that has lost its
 * partitions.
 * @module
 */

import { Buffer } from "node:buffer";
import { StaleCursorError } from "../../event_log.ts";
import type { LogProducer, Message } from "./appender.ts";
import type { Ownership } from "../cluster/membership.ts";
import type { Renewable } from "../cluster/renewable.ts";
import { cutSends, describeTooLarge, fits } from "./cut_sends.ts";
import type { RoutingProgress } from "./routing_progress.ts";

export interface Step {
  project: number;
  /** The offset that the project has reached, by partition of the inbox. */
  next: ReadonlyMap<number, number>;
  outbox: Message[];
}

/** What this host owns during one era. */
export interface OwnedInbox {
  ownership: Ownership;
  progress: ReadonlyMap<number, RoutingProgress>;
}

export interface RouterStepsOptions {
  producer: Renewable<LogProducer>;
  hostId: string;
  inboxTopic: string;
  progressTopic: string;
  /** The most bytes that Kafka takes for a partition at once. */
  messageBytes: number;
  onError(error: unknown): void;
  /** Called when it is unknown whether a transaction was committed, so that the ownership must be read anew. */
  onDoubt(error: unknown): void;
}

interface Waiting {
  step: Step;
  owned: OwnedInbox;
  resolve(): void;
  reject(error: unknown): void;
}

/** The most messages of one transaction, and the most bytes of their events; one step may have more. */
const MOST_MESSAGES = 2000;
const MOST_BYTES = 16 * 1024 * 1024;

export class RouterSteps implements AsyncDisposable {
  readonly #options: RouterStepsOptions;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  /** Steps for anything else are refused. */
  #owned: OwnedInbox | null = null;

  constructor(options: RouterStepsOptions) {
    this.#options = options;
  }

  /** Only steps of this era are carried out from now on. */
  own(owned: OwnedInbox | null): void {
    this.#owned = owned;
  }

  run(step: Step, owned: OwnedInbox): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ step: this.#withoutTooLarge(step), owned, resolve, reject });
    this.#running ??= this.#run().finally(() => this.#running = null);
    return promise;
  }

  /** Resolves when no transaction is running. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      const owned = this.#owned;
      const current = batch.filter((each) => each.owned === owned);
      for (const each of batch) if (each.owned !== owned) each.reject(new StaleCursorError());
      if (owned === null || current.length === 0) continue;
      try {
        await this.#commit(current.map(({ step }) => step), owned);
        for (const { step } of current) {
          for (const [partition, next] of step.next) owned.progress.get(partition)?.stepped(step.project, next);
        }
        for (const { resolve } of current) resolve();
      } catch (error) {
        this.#owned = null;
        this.#options.onDoubt(error);
        for (const { reject } of current) reject(new StaleCursorError());
      }
    }
  }

  /** Intake and router see to it that events fit; an event that does not must not hold up those behind it for ever. */
  #withoutTooLarge(step: Step): Step {
    const { messageBytes, onError } = this.#options;
    const outbox = step.outbox.filter((message) => {
      const taken = fits(message, messageBytes);
      if (!taken) onError(new RangeError(describeTooLarge(message, messageBytes)));
      return taken;
    });
    return { ...step, outbox };
  }

  #takeBatch(): Waiting[] {
    let messages = 0;
    let bytes = 0;
    let count = 0;
    for (const { step } of this.#waiting) {
      messages += step.outbox.length;
      bytes += step.outbox.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
      if (count > 0 && (messages > MOST_MESSAGES || bytes > MOST_BYTES)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(steps: Step[], owned: OwnedInbox): Promise<void> {
    const moved = this.#progressMessages(steps, owned);
    const messages = [...steps.flatMap(({ outbox }) => outbox), ...moved.messages];
    if (messages.length === 0) return;
    const { ownership } = owned;
    await this.#options.producer.use(async (producer) => {
      const transaction = await producer.beginTransaction();
      for (const part of cutSends(messages, this.#options.messageBytes)) {
        await transaction.send({ messages: part, acks: -1 });
      }
      await transaction.addConsumer(ownership.client);
      // One partition is enough to prove membership. Picking a random one keeps the lag that the group itself reports
      // close to the truth.
      const [partition, end] = moved.places[Math.floor(Math.random() * moved.places.length)] as [number, number];
      await transaction.addOffset(
        {
          topic: this.#options.inboxTopic,
          partition,
          // The client commits the offset after the given one.
          offset: BigInt(end) - 1n,
          metadata: { consumer: ownership.member },
        } as unknown as Parameters<typeof transaction.addOffset>[0],
      );
      await transaction.commit();
    });
  }

  /** The progress of each partition that the steps touch, with all steps combined. */
  #progressMessages(steps: Step[], { progress }: OwnedInbox): { messages: Message[]; places: [number, number][] } {
    const byPartition = new Map<number, Map<number, number>>();
    for (const { project, next } of steps) {
      for (const [partition, offset] of next) {
        const place = progress.get(partition);
        if (place === undefined || offset <= place.next(project)) continue;
        const moves = byPartition.get(partition) ?? new Map<number, number>();
        moves.set(project, Math.max(offset, moves.get(project) ?? 0));
        byPartition.set(partition, moves);
      }
    }
    const messages: Message[] = [];
    const places: [number, number][] = [];
    for (const [partition, moves] of byPartition) {
      const after = (progress.get(partition) as RoutingProgress).after(this.#options.hostId, moves);
      places.push([partition, after.end]);
      messages.push({
        topic: this.#options.progressTopic,
        partition,
        key: Buffer.from(String(partition)),
        value: Buffer.from(JSON.stringify(after)),
        timestamp: BigInt(Date.now()),
      });
    }
    return { messages, places };
  }
}
