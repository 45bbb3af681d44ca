/**
 * What the fakes of Google's services share: a service account, how it signs, and how they say that something failed.
 * @module
 */

import { Buffer } from "node:buffer";
import { createVerify, generateKeyPairSync } from "node:crypto";

export interface ServiceAccount {
  /** The JSON file that Google gives out for it. */
  keyFile: string;
  /** What is wrong with an Authorization header that the account should have signed itself, or null. */
  check(authorization: string | null): string | null;
  /** True for a text that the account's key signed (base64). */
  signed(text: string, signature: string): boolean;
}

/** Of another cloud than Google's own, accounts sign their requests themselves and ask for no token. */
export function createServiceAccount(universeDomain = "googleapis.com"): ServiceAccount {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const client_email = "plugin@project.iam.gserviceaccount.com";
  return {
    keyFile: JSON.stringify({
      type: "service_account",
      project_id: "project",
      private_key_id: "key-1",
      private_key: privateKey,
      client_email,
      client_id: "1",
      token_uri: "https://oauth2.googleapis.com/token",
      universe_domain: universeDomain,
    }),
    check(authorization) {
      const [header, payload, signature] = /^Bearer (.+)$/.exec(authorization ?? "")?.[1]?.split(".") ?? [];
      if (header === undefined || payload === undefined || signature === undefined) {
        return `the Authorization header is "${authorization}"`;
      }
      const { iss } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { iss?: string };
      if (iss !== client_email) return `the token is of ${iss}`;
      const text = `${header}.${payload}`;
      const genuine = createVerify("RSA-SHA256").update(text).verify(publicKey, signature, "base64url");
      return genuine ? null : "the token is signed by another key";
    },
    signed: (text, signature) => createVerify("RSA-SHA256").update(text).verify(publicKey, signature, "base64"),
  };
}

/** Google's answer to a request that failed. */
export function googleError(code: number, message: string, reason: string): Response {
  return Response.json({ error: { code, message, errors: [{ message, domain: "global", reason }] } }, { status: code });
}
