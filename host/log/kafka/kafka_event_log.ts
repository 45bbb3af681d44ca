/**
 * The event log on Kafka, shared by the hosts of a cluster. Each host owns some partitions: it routes their records,
 * and its consumers read them. Cursors are vectors over the partitions that the host owns. When those change, readers
 * continue from their committed positions.
 *
 *     outside ──▶ joining ──▶ taking over ──▶ owner ──▶ (a change, or doubt) ──▶ taking over …
 *
 * Until a host has taken over its partitions, reads return nothing and steps are refused.
 * @module
 */

import type {
  BackPage,
  Cursor,
  Direction,
  EventCount,
  EventLog,
  Lag,
  LogRecord,
  LogShare,
  PositionBounds,
  ReadLimits,
  StoredRecord,
  Topic,
} from "../event_log.ts";
import { CursorError, StaleCursorError } from "../event_log.ts";
import type { Appender } from "./routing/appender.ts";
import { encodeRecord, type PlacedRecord } from "./reading/record_codec.ts";
import type { ReaderCursors } from "./reading/reader_cursors.ts";
import type { Claim } from "./cluster/claim.ts";
import type { OwnedInbox, RouterSteps } from "./routing/router_steps.ts";
import { measureLag } from "./reading/measure_lag.ts";
import type { TopicReader } from "./reading/topic_reader.ts";
import { readBack } from "./reading/read_back.ts";
import { formatPosition, formatVector, parseVector, type VectorCursor, vectorsAlong } from "./reading/vector_cursor.ts";
import type { Waiters } from "./reading/waiters.ts";

/** The parts of the log, which `open_kafka_event_log.ts` creates. */
export interface KafkaParts {
  topics: Record<Topic, string>;
  partitions: number;
  /** The most bytes of one message. */
  messageBytes: number;
  readers: Record<Topic, TopicReader>;
  appender: Appender;
  steps: RouterSteps;
  cursors: ReaderCursors;
  waiters: Waiters;
  /** What this host owns of each topic; null for a topic that it leaves to other hosts. */
  claims: { inbox: Claim<OwnedInbox> | null; outbox: Claim<number[]> | null };
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

/** Room for what a message has beside its event: key, headers, the properties that finishing adds. */
const BESIDE_EVENT_BYTES = 32 * 1024;

export class KafkaEventLog implements EventLog {
  readonly #parts: KafkaParts;

  constructor(parts: KafkaParts) {
    this.#parts = parts;
  }

  get maxEventBytes(): number {
    return this.#parts.messageBytes - BESIDE_EVENT_BYTES;
  }

  share(): LogShare {
    const { partitions, claims, ping } = this.#parts;
    const sorted = (topic: Topic) => this.#ownedPartitions(topic).sort((a, b) => a - b);
    const settled = Object.values(claims).every((claim) => claim?.settled ?? true);
    return { owned: { inbox: sorted("inbox"), outbox: sorted("outbox") }, all: partitions, settled, ping };
  }

  async append(topic: Topic, project: number, records: LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#parts.appender.append(this.#encode(topic, project, records));
  }

  async read(topic: Topic, project: number, after: Cursor, limits: ReadLimits): Promise<StoredRecord[]> {
    const { era, next, moves } = after === "" ? await this.#start(topic) : this.#parse(topic, after);
    const reader = this.#parts.readers[topic];
    const taken: StoredRecord[] = [];
    let bytes = 0;
    for (const partition of inTurn([...next.keys()])) {
      const maxEvents = limits.maxEvents - taken.length;
      if (maxEvents <= 0 || bytes >= limits.maxBytes) break;
      const from = next.get(partition) as number;
      const { records, next: to } = await reader.read(partition, project, from, maxEvents, limits.maxBytes - bytes);
      const cursorAt = vectorsAlong({ era, next, moves }, partition);
      for (const record of records) {
        bytes += record.event.byteLength;
        taken.push(stored(record, cursorAt(record.offset + 1), partition));
      }
      const last = records.at(-1);
      if (last !== undefined) next.set(partition, last.offset + 1);
      if (records.length === 0) next.set(partition, Math.max(from, to));
    }
    if (era !== null && era !== this.#era(topic)) throw new StaleCursorError();
    return taken;
  }

  async readBack(topic: Topic, project: number, before: Cursor | null, limits: ReadLimits): Promise<BackPage> {
    const { next: from } = before === null ? await this.#edges(topic, "latest") : parseVector(before);
    if ([...from.keys()].some((partition) => partition >= this.#parts.partitions)) throw new CursorError(before ?? "");
    const { records, next } = await readBack(this.#parts.readers[topic].stored, project, from, limits);
    return {
      records: records.map(({ record, partition, behind, before }) => ({
        ...stored(record, formatPosition(behind), partition),
        before: formatPosition(before),
      })),
      next: next && formatPosition(next),
    };
  }

  async waitForRecords(topic: Topic, project: number, after: Cursor, signal: AbortSignal): Promise<void> {
    const arrived = this.#parts.waiters.wait(topic, project, signal);
    try {
      const found = await this.read(topic, project, after, { maxEvents: 1, maxBytes: 1 });
      if (found.length > 0) return;
      await arrived.promise;
    } finally {
      arrived.cancel();
    }
  }

  async step(project: number, _reader: string, inboxCursor: Cursor, outbox: LogRecord[]): Promise<void> {
    const { next } = ownVector(inboxCursor, this.#parse("inbox", inboxCursor));
    const inbox = this.#parts.claims.inbox?.owned ?? null;
    if (inbox === null) throw new StaleCursorError();
    await this.#parts.steps.run({ project, next, outbox: this.#encode("outbox", project, outbox) }, inbox);
  }

  async cursor(topic: Topic, project: number, reader: string): Promise<Cursor> {
    const era = this.#era(topic);
    const partitions = this.#ownedPartitions(topic);
    if (topic === "inbox") {
      const inbox = this.#parts.claims.inbox?.owned;
      const next = new Map(partitions.map((p) => [p, inbox?.progress.get(p)?.next(project) ?? 0]));
      return formatVector({ era, next, moves: new Map() });
    }
    return formatVector({ era, ...await this.#parts.cursors.load(project, reader, partitions) });
  }

  async commit(topic: Topic, project: number, reader: string, cursor: Cursor): Promise<void> {
    refuseInbox(topic);
    const { era, ...places } = ownVector(cursor, parseVector(cursor));
    if (era !== this.#era(topic)) {
      // What was delivered before the change counts where no other host has taken the partition over yet.
      await this.#parts.cursors.commit(project, reader, places).catch(unlessStale);
      throw new StaleCursorError();
    }
    try {
      await this.#parts.cursors.commit(project, reader, places);
    } catch (error) {
      if (error instanceof StaleCursorError) this.#parts.claims.outbox?.doubt(error);
      throw error;
    }
  }

  async move(topic: Topic, project: number, reader: string, direction: Direction, to: Cursor): Promise<Cursor> {
    refuseInbox(topic);
    await this.#parts.cursors.move(project, reader, direction, (await this.#locate(topic, to)).next);
    return await this.cursor(topic, project, reader);
  }

  async position(topic: Topic, project: number, reader: string, bounds: PositionBounds = {}): Promise<Cursor> {
    refuseInbox(topic);
    const { next } = await this.#parts.cursors.load(project, reader, this.#allPartitions());
    const bound = async (at?: Cursor) => at === undefined ? undefined : (await this.#locate(topic, at)).next;
    const [atLeast, atMost] = [await bound(bounds.atLeast), await bound(bounds.atMost)];
    const bounded = Array.from(next, ([partition, offset]): [number, number] => {
      const later = Math.max(offset, atLeast?.get(partition) ?? 0);
      return [partition, Math.min(later, atMost?.get(partition) ?? Infinity)];
    });
    return formatPosition(new Map(bounded));
  }

  async register(topic: Topic, project: number, reader: string, from: "earliest" | "latest"): Promise<Cursor> {
    if (topic === "inbox") return await this.cursor(topic, project, reader);
    const { cursors, readers } = this.#parts;
    const all = this.#allPartitions();
    const { next: known } = await cursors.load(project, reader, all);
    const missing = all.filter((partition) => !known.has(partition));
    if (missing.length > 0) {
      const places = missing.map(async (p) => [p, await readers[topic].stored.edge(p, from)] as const);
      await cursors.register(project, reader, new Map(await Promise.all(places)));
    }
    return await this.cursor(topic, project, reader);
  }

  async forget(topic: Topic, project: number, reader: string): Promise<void> {
    if (topic === "outbox") await this.#parts.cursors.forget(project, reader);
  }

  async cursorAt(topic: Topic, _project: number, time: number): Promise<Cursor> {
    return formatPosition((await this.#edges(topic, { time })).next);
  }

  async lag(topic: Topic, project: number, after: Cursor): Promise<Lag> {
    const { next } = await this.#locate(topic, after);
    return measureLag(this.#parts.readers[topic], project, next);
  }

  async count(topic: Topic, project: number, after: Cursor): Promise<EventCount> {
    const { next } = await this.#locate(topic, after);
    const { events } = measureLag(this.#parts.readers[topic], project, next);
    const owned = new Set(this.#ownedPartitions(topic));
    const ofOthers = [...next].filter(([partition]) => !owned.has(partition));
    const { stored } = this.#parts.readers[topic];
    // Each offset may be an event of the project.
    const most = await Promise.all(
      ofOthers.map(async ([partition, offset]) => Math.max(0, await stored.edge(partition, "latest") - offset)),
    );
    return { events: most.reduce((sum, count) => sum + count, events), exact: most.every((count) => count === 0) };
  }

  size(): null {
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.close();
  }

  #encode(topic: Topic, project: number, records: LogRecord[]) {
    const name = this.#parts.topics[topic];
    return records.map((record) => encodeRecord(name, project, record, this.#parts.partitions));
  }

  #ownedPartitions(topic: Topic): number[] {
    const { inbox, outbox } = this.#parts.claims;
    return [...(topic === "inbox" ? inbox?.owned?.progress.keys() : outbox?.owned) ?? []];
  }

  /** 0 for a topic of which this host never owns anything. */
  #era(topic: Topic): number {
    return this.#parts.claims[topic]?.era ?? 0;
  }

  #parse(topic: Topic, cursor: Cursor): VectorCursor {
    const vector = parseVector(cursor);
    if (vector.era !== null && vector.era !== this.#era(topic)) throw new StaleCursorError();
    return vector;
  }

  /** Where the cursor lies, whichever era it is of: offsets outlast eras. */
  async #locate(topic: Topic, cursor: Cursor): Promise<VectorCursor> {
    return cursor === "" ? await this.#start(topic) : parseVector(cursor);
  }

  #allPartitions(): number[] {
    return Array.from({ length: this.#parts.partitions }, (_, partition) => partition);
  }

  /** The position before the first kept record, in all partitions. */
  #start(topic: Topic): Promise<VectorCursor> {
    return this.#edges(topic, "earliest");
  }

  async #edges(topic: Topic, which: "earliest" | "latest" | { time: number }): Promise<VectorCursor> {
    const { stored } = this.#parts.readers[topic];
    const places = this.#allPartitions().map(async (p) => [p, await stored.edge(p, which)] as const);
    return { era: null, next: new Map(await Promise.all(places)), moves: new Map() };
  }
}

function refuseInbox(topic: Topic): void {
  if (topic === "inbox") throw new Error("Cannot place a reader in the inbox by itself: it goes on with a step");
}

function ownVector(cursor: Cursor, vector: VectorCursor): VectorCursor {
  if (vector.era !== null) return vector;
  throw new Error(
    `Cannot commit ${cursor}: it spans the partitions of all hosts, expected a cursor of the reader's own`,
  );
}

function unlessStale(error: unknown): void {
  if (!(error instanceof StaleCursorError)) throw error;
}

let turn = 0;
/** The partitions, starting with a different one each time, so that none has to wait for the others. */
function inTurn(partitions: number[]): number[] {
  const at = partitions.length === 0 ? 0 : turn++ % partitions.length;
  return [...partitions.slice(at), ...partitions.slice(0, at)];
}

function stored({ project: _, offset, ...record }: PlacedRecord, cursor: Cursor, partition: number): StoredRecord {
  return { ...record, cursor, place: `${partition}:${offset}` };
}
