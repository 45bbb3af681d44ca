/**
 * A file of lines that is only appended to, rotated by size, and intact after a crash.
 * @module
 */

import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import { TryLaterError } from "../../consumers/sink.ts";
import { repairTail } from "./repair_tail.ts";
import { writeAll } from "./write_all.ts";

export interface NdjsonFileOptions {
  path: string;
  maxBytes: number;
  keep: number;
}

/** How long, in milliseconds, to wait for another writer of the same file. */
const LOCK_WAIT_MS = 5_000;
const LOCK_POLL_MS = 10;

/**
 * Keeps the file open. Each append locks the file, so that other destinations and processes may write to it, and checks
 * that the path still names this file, so that others may rotate it.
 */
export class NdjsonFile implements Disposable {
  readonly #options: NdjsonFileOptions;
  #file: Deno.FsFile | null = null;

  constructor(options: NdjsonFileOptions) {
    this.#options = options;
  }

  /** Resolves when the lines, each with its newline, are on disk. Lines of one call may end up in two files. */
  async append(lines: Uint8Array[], signal: AbortSignal): Promise<void> {
    let rest = lines;
    while (rest.length > 0) {
      const file = await this.#lockedFile(signal);
      try {
        const size = await repairTail(file);
        const count = this.#fitting(rest, size);
        if (count === 0) {
          await this.#rotate(file);
          continue;
        }
        await writeWhole(file, rest.slice(0, count), size);
        rest = rest.slice(count);
      } catch (error) {
        this.#close();
        throw error;
      } finally {
        // Closing a file releases its lock as well.
        if (this.#file === file) await file.unlock();
      }
    }
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  /** How many lines fit into a file of this size; an empty file takes at least one. */
  #fitting(lines: Uint8Array[], size: number): number {
    let count = 0;
    for (const line of lines) {
      size += line.length;
      if (size > this.#options.maxBytes) break;
      count++;
    }
    return count === 0 && size === (lines[0]?.length ?? 0) ? 1 : count;
  }

  async #lockedFile(signal: AbortSignal): Promise<Deno.FsFile> {
    const deadline = Date.now() + LOCK_WAIT_MS;
    for (;;) {
      signal.throwIfAborted();
      const file = this.#file ??= await this.#open();
      if (await file.tryLock(true)) {
        if (await this.#isCurrent(file)) return file;
        this.#close();
      } else if (Date.now() > deadline) {
        throw new TryLaterError(`Cannot write ${this.#options.path}: another process holds a lock on it`);
      } else {
        await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
      }
    }
  }

  async #open(): Promise<Deno.FsFile> {
    const { path } = this.#options;
    await Deno.mkdir(dirname(path), { recursive: true });
    const file = await Deno.open(path, { read: true, write: true, append: true, create: true });
    await syncFolder(path);
    return file;
  }

  async #isCurrent(file: Deno.FsFile): Promise<boolean> {
    try {
      const [opened, named] = await Promise.all([file.stat(), Deno.stat(this.#options.path)]);
      return opened.ino === named.ino && opened.dev === named.dev;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /**
   * Renames path → path.1 → path.2 …, overwriting the last one. It starts at the end, so that a crash in between leaves
   * a gap rather than a loss.
   */
  async #rotate(file: Deno.FsFile): Promise<void> {
    const { path, keep } = this.#options;
    for (let number = keep - 1; number >= 1; number--) {
      await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
    }
    await renameIfThere(path, `${path}.1`);
    await syncFolder(path);
    if (this.#file === file) this.#close();
  }

  #close(): void {
    this.#file?.close();
    this.#file = null;
  }
}

/** Writes everything to disk, or throws and leaves the file as it was. */
async function writeWhole(file: Deno.FsFile, lines: Uint8Array[], size: number): Promise<void> {
  try {
    await writeAll(file, Buffer.concat(lines));
    await file.syncData();
  } catch (error) {
    // The disk may be full: leave no part of a line behind.
    await file.truncate(size);
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A new name survives a crash only when its folder is on disk. */
async function syncFolder(path: string): Promise<void> {
  // Windows has no such call and does not need it.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(dirname(path), { read: true });
  await folder.sync();
}
