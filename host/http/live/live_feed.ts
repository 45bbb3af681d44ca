/**
 * Numbered messages to open pages about what happens. The newest are kept for readers that briefly lost their
 * connection.
 * @module
 */

export const TOPICS = ["states", "counters", "lag", "jobs", "logs", "traces"] as const;
export type Topic = typeof TOPICS[number];

export interface Message {
  id: number;
  topic: Topic;
  /** The plugin config that the message concerns; absent when it concerns everybody. */
  pluginConfigId?: number;
  teamId?: number;
  data: unknown;
}

export interface Subscription {
  topics: ReadonlySet<Topic>;
  pluginConfigId?: number;
  teamId?: number;
  /** False when the reader is too slow or gone; it gets no further messages. */
  send(message: Message): boolean;
  /** Called when no more messages will follow. */
  end(): void;
}

/** Disposing of it ends its readers, whose connections would otherwise keep the service from ending. */
export interface LiveFeed extends Disposable {
  /** The topics that somebody reads; nothing needs to be gathered for the others. */
  readonly wanted: ReadonlySet<Topic>;
  readonly readers: number;
  publish(message: Omit<Message, "id">): void;
  /** Returns a function that ends the subscription. */
  subscribe(subscription: Subscription): () => void;
  /** The messages after this one; null when some of them are no longer kept. */
  since(id: number): Message[] | null;
  /** The number of the newest message. */
  readonly last: number;
}

const KEPT = 2000;

export function createLiveFeed(): LiveFeed {
  const readers = new Set<Subscription>();
  const wanted = new Set<Topic>();
  let kept: Message[] = [];
  let last = 0;

  function refresh(): void {
    wanted.clear();
    for (const { topics } of readers) for (const topic of topics) wanted.add(topic);
  }

  function leave(reader: Subscription): void {
    if (readers.delete(reader)) refresh();
  }

  return {
    wanted,
    get readers() {
      return readers.size;
    },
    get last() {
      return last;
    },
    publish(given) {
      const message = { ...given, id: ++last };
      kept.push(message);
      if (kept.length > 2 * KEPT) kept = kept.slice(-KEPT);
      for (const reader of readers) {
        if (concerns(reader, message) && !reader.send(message)) leave(reader);
      }
    },
    subscribe(reader) {
      readers.add(reader);
      refresh();
      return () => leave(reader);
    },
    since(id) {
      const oldest = kept[0]?.id ?? last + 1;
      return id > last || id + 1 < oldest ? null : kept.filter((message) => message.id > id);
    },
    [Symbol.dispose]() {
      for (const reader of readers) reader.end();
    },
  };
}

export function concerns(reader: Omit<Subscription, "send" | "end">, message: Message): boolean {
  if (!reader.topics.has(message.topic)) return false;
  const { pluginConfigId, teamId } = message;
  if (reader.pluginConfigId !== undefined && pluginConfigId !== undefined && reader.pluginConfigId !== pluginConfigId) {
    return false;
  }
  return reader.teamId === undefined || teamId === undefined || reader.teamId === teamId;
}
