/**
 * Secrets with a mark in them, and the search for that mark in whatever comes out of a service.
 * @module
 */

import { Buffer } from "node:buffer";

export interface MarkedSecrets {
  /** A secret for one place, of letters, digits and `-`; the same each time. */
  plant(place: string): string;
  /** A `whsec_…` for one place. */
  plantWebhookSecret(place: string): string;
  /** The places whose secrets are in the text or the bytes: as they are, in base64 or in hexadecimal. */
  find(output: string | Uint8Array): string[];
}

export function createMarkedSecrets(): MarkedSecrets {
  const planted = new Map<string, string>();

  function plant(place: string): string {
    const known = planted.get(place);
    if (known !== undefined) return known;
    const secret = `hush-${crypto.randomUUID().slice(0, 18)}-${planted.size}`;
    planted.set(place, secret);
    return secret;
  }

  return {
    plant,
    plantWebhookSecret: (place) => `whsec_${btoa(plant(place).padEnd(33, "="))}`,
    find(output) {
      const text = Buffer.from(output).toString("latin1");
      return Array.from(planted).filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
        .map(([place]) => place);
    },
  };
}

function formsOf(secret: string): string[] {
  return [secret, Buffer.from(secret).toString("hex"), ...base64Forms(secret)];
}

/** What base64 makes of it wherever it begins in a longer text, without the characters that its neighbours decide. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    return bytes.toString("base64").replace(/=+$/, "").slice(before === 0 ? 0 : before + 1, -1);
  });
}
