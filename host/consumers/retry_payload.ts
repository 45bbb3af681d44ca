/**
 * What a durable retry of onEvent, onSnapshot, composeWebhook or exportEvents carries: the events as they stand in the
 * outbox.
 * @module
 */

import { z } from "zod";
import type { LogRecord } from "../log/event_log.ts";

const schema = z.object({ events: z.array(z.string()) });

export function retryPayload(records: Pick<LogRecord, "event">[]): z.infer<typeof schema> {
  const decoder = new TextDecoder();
  return { events: records.map(({ event }) => decoder.decode(event)) };
}

/** The events as JSON texts. Throws when the payload is not one of ours. */
export function readRetryPayload(payload: unknown): string[] {
  return schema.parse(payload).events;
}
