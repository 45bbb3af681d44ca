/**
 * Cuts messages into sends. The client makes one batch of all messages of a send that go to one partition, and Kafka
 * refuses a batch that is larger than the topic's `max.message.bytes`.
 * @module
 */

import type { Message } from "./appender.ts";

/** The most bytes of a send, over all partitions; one message may have more. */
const SEND_BYTES = 4 * 1024 * 1024;
/** What Kafka's format adds to a batch, and at most to each of its messages. */
const BATCH_BYTES = 100;
const MESSAGE_BYTES = 40;

/**
 * The messages in their order. A message that is too large by itself is alone in its send.
 * @param batchBytes the most bytes that Kafka takes for a partition at once
 */
export function cutSends(messages: Message[], batchBytes: number): Message[][] {
  const all = messages.reduce((sum, message) => sum + bytesOf(message), BATCH_BYTES);
  if (all <= Math.min(batchBytes, SEND_BYTES)) return messages.length === 0 ? [] : [messages];
  const sends: Message[][] = [];
  let send: Message[] = [];
  let sendBytes = 0;
  const partitions = new Map<string, number>();
  for (const message of messages) {
    const bytes = bytesOf(message);
    const partition = `${message.topic} ${message.partition}`;
    const batch = (partitions.get(partition) ?? BATCH_BYTES) + bytes;
    if (send.length > 0 && (batch > batchBytes || sendBytes + bytes > SEND_BYTES)) {
      sends.push(send);
      send = [];
      sendBytes = 0;
      partitions.clear();
    }
    send.push(message);
    sendBytes += bytes;
    partitions.set(partition, (partitions.get(partition) ?? BATCH_BYTES) + bytes);
  }
  if (send.length > 0) sends.push(send);
  return sends;
}

/** The bytes that a message takes in a batch that is not compressed. */
export function bytesOf({ key, value, headers }: Message): number {
  let bytes = MESSAGE_BYTES + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  if (headers instanceof Map) {
    for (const [name, content] of headers) bytes += 10 + name.byteLength + content.byteLength;
  }
  return bytes;
}

/** Whether Kafka takes a message of its own. */
export function fits(message: Message, batchBytes: number): boolean {
  return BATCH_BYTES + bytesOf(message) <= batchBytes;
}

/** Why Kafka does not take a message that does not fit, and what to do. */
export function describeTooLarge({ key, value }: Message, batchBytes: number): string {
  return `Cannot store an event of ${value?.byteLength} bytes with key ${key}: expected at most ${batchBytes} with what ` +
    "Kafka stores beside it; give HOGPEN_KAFKA_MESSAGE_BYTES, and max.message.bytes of the topics, a larger value";
}
