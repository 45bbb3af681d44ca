/**
 * What a plugin sees of a service call: its value, or the name and message of its error, and nothing else of the
 * host.
 * @module
 */

import { RetryError } from "../../../runtime/errors.ts";
import type { Answer } from "../../../runtime/protocol.ts";

const MAX_MESSAGE = 2_000;

export async function serviceAnswer(call: Promise<unknown>): Promise<Answer> {
  try {
    return { ok: true, value: (await call) ?? null };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const message = error.message.slice(0, MAX_MESSAGE);
    return { ok: false, error: { name: error.name, message, retry: error instanceof RetryError } };
  }
}
