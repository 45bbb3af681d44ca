/**
 * One reader of the live feed, as server-sent events. A reader that does not keep up is dropped rather than buffered:
 * it reconnects and is told what it missed, or that it must reload everything.
 * @module
 */

import { concerns, type LiveFeed, type Message, type Subscription } from "./live_feed.ts";

/** How many characters may wait for a slow reader. */
const MAX_WAITING = 1024 * 1024;
const HEARTBEAT_MS = 15_000;
/** When a dropped reader should reconnect, in milliseconds. */
const RETRY_MS = 2000;

const encoder = new TextEncoder();

/** `lastEventId` is the last message that the reader saw; null for a new reader. */
export function openEventStream(
  feed: LiveFeed,
  filter: Omit<Subscription, "send" | "end">,
  lastEventId: number | null,
): Response {
  let leave = (): void => {};
  let timer: ReturnType<typeof setInterval> | undefined;

  function end(): void {
    clearInterval(timer);
    leave();
  }

  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      function close(): void {
        end();
        controller.close();
      }
      function write(text: string): boolean {
        // What waits here was not accepted by the connection, so the reader is too slow.
        if ((controller.desiredSize ?? 0) <= 0) {
          close();
          return false;
        }
        controller.enqueue(encoder.encode(text));
        return true;
      }
      write(`retry: ${RETRY_MS}\n\n`);
      const missed = lastEventId === null ? [] : feed.since(lastEventId);
      if (missed === null) write(`id: ${feed.last}\nevent: reset\ndata: {}\n\n`);
      else if (missed.length === 0) write(`id: ${feed.last}\nevent: hello\ndata: {}\n\n`);
      for (const message of missed ?? []) if (concerns(filter, message)) write(textOf(message));
      leave = feed.subscribe({ ...filter, send: (message) => write(textOf(message)), end: close });
      timer = setInterval(() => write(": still here\n\n"), HEARTBEAT_MS);
    },
    cancel: end,
  }, { highWaterMark: MAX_WAITING, size: (chunk) => chunk?.byteLength ?? 0 });
  return new Response(stream, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Keeps proxies from buffering the stream.
      "x-accel-buffering": "no",
    },
  });
}

function textOf({ id, topic, data }: Message): string {
  return `id: ${id}\nevent: ${topic}\ndata: ${JSON.stringify(data)}\n\n`;
}
