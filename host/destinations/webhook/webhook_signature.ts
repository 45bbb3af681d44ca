/**
 * Signatures of Standard Webhooks 1.0.0, in the symmetric scheme.
 * @module
 */

import { createHmac } from "node:crypto";

/** The three headers of a message. Every key signs, so that a receiver can move to a new secret. */
export function signedHeaders(id: string, seconds: number, body: string, keys: Uint8Array[]): Record<string, string> {
  const signatures = keys.map((key) =>
    `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`
  );
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": signatures.join(" ") };
}
