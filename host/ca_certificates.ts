/**
 * Certificate authorities of one's own, beside the public ones. Deno and its Node modules read them from a file that a
 * variable names, when the process first needs them; the host sets it for itself and for its cells.
 * @module
 */

import { X509Certificate } from "node:crypto";
import { resolve } from "node:path";

const VARIABLE = "NODE_EXTRA_CA_CERTS";
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The file's absolute path. Throws an Error that says what was expected. */
export function readCertificates(path: string): string {
  const absolute = resolve(path);
  let text: string;
  try {
    text = Deno.readTextFileSync(absolute);
  } catch (error) {
    throw new Error(`a file that can be read (${(error as Error).message})`, { cause: error });
  }
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Error("a PEM file with certificates; there is none in it");
  certificates.forEach((certificate, index) => {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      const place = `certificate ${index + 1}`;
      throw new Error(`a PEM file with certificates; ${place} cannot be read (${(error as Error).message})`, {
        cause: error,
      });
    }
  });
  return absolute;
}

/** From now on this process trusts them. Before it first uses TLS. */
export function trustCertificates(path: string): void {
  Deno.env.set(VARIABLE, path);
}

/**
 * For the environment of a cell, so that it trusts what this process does. Deno's own variable takes no right of the
 * cell.
 */
export function trustedCertificates(): Record<string, string> {
  const path = Deno.env.get(VARIABLE);
  return path ? { DENO_CERT: path } : {};
}
