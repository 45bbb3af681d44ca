/**
 * Returns a dead letter to whatever gave up on its event.
 * @module
 */

import { isRecord } from "../../runtime/is_record.ts";
import type { EventLog, StoredRecord } from "../log/event_log.ts";
import type { DeadLetter } from "../store/store.ts";

export interface RequeueServices {
  log: Pick<EventLog, "append">;
  /** Delivers one event to one consumer; rejects with why it was not taken. */
  redeliver(consumer: string, record: StoredRecord): Promise<void>;
}

/** Letters of processEvent pass all plugins of the project again; the others go to the one consumer that gave up. */
export async function requeueDeadLetter(letter: DeadLetter, { log, redeliver }: RequeueServices): Promise<void> {
  const record = { key: keyOf(letter.event), event: new TextEncoder().encode(letter.event) };
  if (letter.consumer.startsWith("processEvent:")) await log.append("inbox", letter.teamId, [record]);
  else await redeliver(letter.consumer, { ...record, cursor: "", at: letter.at });
}

function keyOf(json: string): string {
  const event: unknown = JSON.parse(json);
  if (isRecord(event) && typeof event.distinct_id === "string") return event.distinct_id;
  throw new TypeError("Cannot requeue the event: it has no distinct_id");
}
