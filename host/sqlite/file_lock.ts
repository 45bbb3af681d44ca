/**
 * A lock that ends with the process that holds it, however that process ends. It keeps two hosts from using the same
 * data folder.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { BackEndError } from "../back_end_error.ts";

export type FileLock = Disposable;

const LOOK_EVERY_MS = 10;

/**
 * Takes the lock. If another process holds it, waits up to `waitMs` for that one to release it, then rejects with an
 * error for the operator.
 */
export async function lockFile(path: string, what: string, waitMs = 0): Promise<FileLock> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { create: true, write: true });
  } catch (error) {
    throw new BackEndError(`Cannot open ${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  for (const end = performance.now() + waitMs;;) {
    if (await file.tryLock(true)) return { [Symbol.dispose]: () => file.close() };
    if (performance.now() >= end) break;
    await delay(LOOK_EVERY_MS);
  }
  file.close();
  throw new BackEndError(`Cannot open ${what}: another process has it open; stop that one, or set another data folder`);
}
