/**
 * A lock that ends with the process that holds it, however that ends: keeps two hosts from one data folder.
 * @module
 */

import { BackEndError } from "../back_end_error.ts";

export type FileLock = Disposable;

/** Takes the lock or rejects in words. */
export async function lockFile(path: string, what: string): Promise<FileLock> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { create: true, write: true });
  } catch (error) {
    throw new BackEndError(`Cannot open ${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  if (await file.tryLock(true)) return { [Symbol.dispose]: () => file.close() };
  file.close();
  throw new BackEndError(`Cannot open ${what}: another process has it open; stop that one, or set another data folder`);
}
