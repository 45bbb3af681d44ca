/**
 * Converts the consumer's batch to what a destination sends.
 * @module
 */

import type { Rejection } from "../consumers/sink.ts";
import type { StoredRecord } from "../log/event_log.ts";
import type { Item } from "./partial_delivery.ts";

/** Events for which `prepare` throws are rejected with the error's message. */
export function prepareItems<T>(
  batch: StoredRecord[],
  prepare: (record: StoredRecord) => T,
): { items: Item<T>[]; rejections: Rejection[] } {
  const items: Item<T>[] = [];
  const rejections: Rejection[] = [];
  for (const [index, record] of batch.entries()) {
    try {
      items.push({ index, record, content: prepare(record) });
    } catch (error) {
      rejections.push({ index, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { items, rejections };
}
