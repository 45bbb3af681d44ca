/**
 * The partitions of one topic that this host owns, as a consumer group assigns them. They are taken over again after
 * every change of the assignment, and whenever ownership is in doubt. Between two assignments the host owns nothing.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { KafkaSettings } from "./kafka_settings.ts";
import { joinGroup, type Membership, type Ownership } from "./membership.ts";

export interface ClaimOptions<Owned> {
  settings: KafkaSettings;
  /** The group's name without the prefix. */
  group: string;
  topic: string;
  /**
   * Takes the partitions over from their previous owner. Repeated until it succeeds or other partitions are assigned.
   */
  prepare(ownership: Ownership, signal: AbortSignal): Promise<Owned>;
  /** Called when a new era begins, with null while nothing is owned. */
  onEra(owned: Owned | null): void;
  onError(error: unknown): void;
}

const RETRY_MS = 200;

export class Claim<Owned> implements AsyncDisposable {
  readonly #options: ClaimOptions<Owned>;
  readonly #membership: Membership;
  #era = 1;
  #owned: Owned | null = null;
  #settled = false;
  #closed = false;
  /** The last assignment; null while there is none. */
  #offered: Ownership | null = null;
  #takeOver = new AbortController();
  #takingOver: Promise<void> = Promise.resolve();

  constructor(options: ClaimOptions<Owned>) {
    this.#options = options;
    const { settings, group, topic, onError } = options;
    this.#membership = joinGroup({
      settings,
      group,
      topic,
      onChange: (ownership) => this.#change(ownership),
      onError,
    });
  }

  /** Changes whenever the owned partitions change, or may have changed. */
  get era(): number {
    return this.#era;
  }

  get owned(): Owned | null {
    return this.#owned;
  }

  /** Whether it has ever been known what this host owns. */
  get settled(): boolean {
    return this.#settled;
  }

  /** The ids of the hosts in the group. */
  hosts(): Promise<Set<string>> {
    return this.#membership.hosts();
  }

  /** Ownership is in doubt, so everything that is owned must be taken over again. */
  doubt(error: unknown): void {
    this.#options.onError(error);
    if (this.#owned !== null || this.#offered === null) this.#change(this.#offered);
  }

  /** Whoever relied on the previous ownership has to look again. */
  startEra(): void {
    if (this.#owned !== null) this.#begin(this.#owned);
  }

  /** Leaves the group. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#takeOver.abort();
    await this.#membership[Symbol.asyncDispose]();
    await this.#takingOver;
  }

  #begin(owned: Owned | null): void {
    this.#era++;
    this.#owned = owned;
    this.#options.onEra(owned);
  }

  #change(ownership: Ownership | null): void {
    this.#offered = ownership;
    this.#takeOver.abort();
    this.#takeOver = new AbortController();
    this.#begin(null);
    if (ownership === null || this.#closed) return;
    const { signal } = this.#takeOver;
    this.#takingOver = this.#takingOver.then(() => this.#take(ownership, signal));
  }

  async #take(ownership: Ownership, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const owned = await this.#options.prepare(ownership, signal);
        if (signal.aborted) return;
        this.#settled = true;
        this.#begin(owned);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError(error);
        await delay(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }
}
