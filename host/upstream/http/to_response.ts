/**
 * Turns an answer into a Response: read completely if it is small, otherwise streamed.
 * @module
 */

import { hopByHop } from "../hop_by_hop.ts";
import type { Connection } from "./connection.ts";
import { deadline } from "./deadlines.ts";
import { readBody, readWhole } from "./read_body.ts";
import type { AnswerHead } from "./read_head.ts";

/** Answers up to this size are read before they are passed on, so that the connection is free again at once. */
const SMALL_BYTES = 16 * 1024;

/**
 * @param keep receives the connection once the whole answer has been read, if it may be used again.
 * @param timeoutMs the longest time between two pieces of the body.
 */
export async function toResponse(
  connection: Connection,
  head: AnswerHead,
  keep: (connection: Connection) => void,
  timeoutMs: number,
): Promise<Response> {
  const { status, statusText, framing } = head;
  const dropped = hopByHop(head.connection);
  const init = { status, statusText, headers: head.headers.filter(([name]) => !dropped.has(name)) };
  if (framing.kind === "length" && framing.bytes <= SMALL_BYTES) {
    const whole = await readWhole(connection, framing.bytes);
    const response = new Response(status === 205 ? null : whole, init);
    done();
    return response;
  }
  if (framing.kind !== "none") {
    return new Response(toStream(readBody(connection, framing), connection, done, timeoutMs), init);
  }
  const response = new Response(null, init);
  done();
  return response;

  function done(): void {
    if (head.isKept && framing.kind !== "closed") keep(connection);
    else connection[Symbol.dispose]();
  }
}

function toStream(
  pieces: AsyncGenerator<Uint8Array<ArrayBuffer>, void>,
  connection: Connection,
  onDone: () => void,
  timeoutMs: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const due = deadline(timeoutMs, () => connection[Symbol.dispose]());
      try {
        const { done, value } = await pieces.next();
        if (!done) return controller.enqueue(value);
        onDone();
        controller.close();
      } catch (error) {
        connection[Symbol.dispose]();
        controller.error(error);
      } finally {
        due.met();
      }
    },
    cancel: () => connection[Symbol.dispose](),
  });
}
