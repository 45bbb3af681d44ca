/**
 * One topic as Kafka has it: reads at any offset, without regard to what the host owns.
 * @module
 */

import { type FetchClient, type FetchedRange, fetchPartition, isOutOfRange } from "./committed_records.ts";
import { decodeRecords } from "./record_codec.ts";
import type { Renewable } from "../cluster/renewable.ts";

export class StoredTopic {
  readonly name: string;
  readonly #client: Renewable<FetchClient>;

  constructor(name: string, client: Renewable<FetchClient>) {
    this.name = name;
    this.#client = client;
  }

  /**
   * Asks Kafka anew which brokers lead the partitions: the client believes for a while that it knows. Returns Kafka's
   * id of the topic.
   */
  async findLeaders(): Promise<string> {
    const metadata = await this.#client.use((client) => client.metadata({ topics: [this.name], forceUpdate: true }));
    const id = metadata.topics.get(this.name)?.id;
    if (id === undefined) throw new Error(`Cannot use the topic ${this.name}: Kafka does not have it`);
    return id;
  }

  /** Records of any project from the offset on. */
  async fetch(partition: number, from: number, maxBytes: number, waitMs: number): Promise<FetchedRange> {
    const range = { partition, from, maxBytes };
    return await this.#client.use((client) => fetchPartition(client, this.name, range, waitMs, decodeRecords));
  }

  /** Continues at the oldest record when the requested ones are no longer kept. */
  async fetchKept(partition: number, from: number, maxBytes: number): Promise<FetchedRange> {
    try {
      return await this.fetch(partition, from, maxBytes, 0);
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
      const start = await this.edge(partition, "earliest");
      if (start <= from) throw error;
      return await this.fetch(partition, start, maxBytes, 0);
    }
  }

  /** The offset of the oldest kept record, or the one after the newest record whose transaction has ended. */
  async edge(partition: number, which: "earliest" | "latest" | { time: number }): Promise<number> {
    const timestamp = which === "earliest" ? -2n : which === "latest" ? -1n : BigInt(which.time);
    const query = { topics: [this.name], partitions: { [this.name]: [partition] }, timestamp };
    const offsets = await this.#client.use((client) => client.listOffsets(query));
    const offset = Number(offsets.get(this.name)?.[partition] ?? -1n);
    // Every record is older than the requested time.
    return offset >= 0 ? offset : await this.edge(partition, "latest");
  }

  /** The offset of the oldest kept record, and the one after the newest whose transaction has ended. */
  async edges(partition: number): Promise<[number, number]> {
    return await Promise.all([this.edge(partition, "earliest"), this.edge(partition, "latest")]);
  }
}
