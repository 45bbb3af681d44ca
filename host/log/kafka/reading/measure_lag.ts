/**
 * How far a reader is behind in the partitions that this host owns.
 * @module
 */

import type { Lag } from "../../event_log.ts";
import type { TopicReader } from "./topic_reader.ts";

/** @param next by partition, the offset of the reader's next record */
export function measureLag(topic: TopicReader, project: number, next: ReadonlyMap<number, number>): Lag {
  let events = 0;
  let oldest = Infinity;
  for (const [partition, offset] of next) {
    const tail = topic.tail(partition);
    if (tail === undefined) continue;
    events += tail.count(project, offset);
    // Older records are not counted by project; each offset may be one.
    if (offset < tail.start) events += tail.start - offset;
    const [first] = tail.from(project, offset);
    if (first !== undefined) oldest = Math.min(oldest, first.at);
  }
  return { events, seconds: oldest === Infinity ? 0 : Math.max(0, (Date.now() - oldest) / 1000) };
}
