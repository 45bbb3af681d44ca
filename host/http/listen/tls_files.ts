/**
 * Reads a certificate and its key from two PEM files.
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { BackEndError } from "../../back_end_error.ts";

/** The paths of the two files. */
export interface TlsFiles {
  /** The certificate, followed by those of the intermediate authorities. */
  cert: string;
  key: string;
}

/** The message is meant for the operator. */
export class TlsFilesError extends BackEndError {
  override name = "TlsFilesError";
}

/** Throws TlsFilesError when a file cannot be read or the two do not belong together. */
export function readTlsFiles(files: TlsFiles): { cert: string; key: string } {
  const pair = { cert: read(files.cert, "certificate"), key: read(files.key, "key") };
  if (!fitTogether(pair, files)) {
    throw new TlsFilesError(
      `Cannot use the certificate in ${files.cert}: the key in ${files.key} is another one's. Put both of one pair there`,
    );
  }
  return pair;
}

function fitTogether({ cert, key }: { cert: string; key: string }, files: TlsFiles): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new TlsFilesError(
      `Cannot use the certificate in ${files.cert} with the key in ${files.key}: expected PEM (${
        (error as Error).message
      })`,
      { cause: error },
    );
  }
}

/** Different after a change of either file. */
export function fingerprintOf({ cert, key }: TlsFiles): string {
  return [cert, key].map((path) => {
    const info = statSync(path, { throwIfNoEntry: false });
    return info === undefined ? "missing" : `${info.mtimeMs} ${info.size} ${info.ino}`;
  }).join(", ");
}

function read(path: string, what: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new TlsFilesError(`Cannot read the ${what} in ${path}: ${(error as Error).message}`, { cause: error });
  }
}
