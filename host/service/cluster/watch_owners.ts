/**
 * Watches whether each partition of the log has a host that processes it.
 * @module
 */

import type { EventLog, Topic } from "../../log/event_log.ts";
import { type ListedHost, withoutOwner } from "../../store/host_reports.ts";

/** Partitions that no live host owns. */
export interface Unowned {
  topic: Topic;
  partitions: number[];
  /** How many the topic has. */
  all: number;
  /** When this host first saw that one of them has no owner, in milliseconds since the epoch. */
  since: number;
}

export interface WatchOwnersOptions {
  log: Pick<EventLog, "share">;
  hosts: { list(): Promise<ListedHost[]> };
  now: () => number;
}

/**
 * Returns a function that looks now. It is to be called regularly: partitions have no owner for a moment whenever hosts
 * come and go, and only what every look has found counts.
 */
export function watchOwners({ log, hosts, now }: WatchOwnersOptions): () => Promise<Unowned[]> {
  const since = new Map<Topic, Map<number, number>>();
  return async () => {
    const all = log.share()?.all ?? 0;
    const found = withoutOwner(await hosts.list(), all);
    return (["inbox", "outbox"] as const).flatMap((topic) => {
      const known = since.get(topic);
      const times = new Map(found[topic].map((partition) => [partition, known?.get(partition) ?? now()]));
      since.set(topic, times);
      if (times.size === 0) return [];
      return [{ topic, partitions: found[topic], all, since: Math.min(...times.values()) }];
    });
  };
}
