/**
 * Compiles plugins' files in a separate process and caches the results on disk, so that a start with many plugins does
 * not need to load Babel at all.
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Compiler, startCompiler } from "./compiler.ts";
import { TRANSFORM_VERSION, type TransformedFile, TransformError, type TransformJob } from "./transform.ts";
import type { CompileAnswer } from "./transform_thread.ts";

export interface TransformerOptions {
  /** Folder of the compiled files, created when missing. Null: nothing is cached. */
  cacheFolder: string | null;
  /** How long an idle compiler is kept for the next file, in milliseconds. */
  idleMs?: number;
  /** How long a file may keep the others waiting, in milliseconds. */
  patienceMs?: number;
  /** How long one file may take, in milliseconds. */
  timeoutMs?: number;
}

export interface Transformer extends AsyncDisposable {
  /** Rejects with TransformError when the code is at fault. */
  transform(job: TransformJob): Promise<TransformedFile>;
}

const IDLE_MS = 2_000;
const PATIENCE_MS = 2_000;
/** The largest bundle seen, aws-sdk's 7 MB, took 18 s on a busy machine. */
const TIMEOUT_MS = 60_000;
/** Cached files that were not used for this long, in milliseconds, are removed at the next start. */
const KEEP_MS = 30 * 24 * 3600 * 1000;

export async function createTransformer(options: TransformerOptions): Promise<Transformer> {
  const { cacheFolder, idleMs = IDLE_MS, patienceMs = PATIENCE_MS, timeoutMs = TIMEOUT_MS } = options;
  if (cacheFolder !== null) {
    await Deno.mkdir(cacheFolder, { recursive: true });
    await removeOld(cacheFolder);
  }
  const compilers = new Set<Compiler>();
  /** A compiler that is idle. */
  let free: Compiler | null = null;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let turn = Promise.resolve();

  async function end(compiler: Compiler): Promise<void> {
    compilers.delete(compiler);
    if (free === compiler) free = null;
    await compiler[Symbol.asyncDispose]();
  }

  /**
   * Files are compiled one after the other. A slow one keeps its compiler to itself and lets the others go on with
   * another.
   */
  async function compile(job: TransformJob): Promise<TransformedFile> {
    const before = turn;
    const mine = Promise.withResolvers<void>();
    turn = mine.promise;
    await before;
    clearTimeout(idle);
    const compiler = free ?? startCompiler();
    free = null;
    compilers.add(compiler);
    const answer = compiler.compile(job);
    answer.catch(() => {});
    const deadline = Promise.withResolvers<never>();
    const timers = [
      setTimeout(mine.resolve, patienceMs),
      setTimeout(() => deadline.reject(tooSlow(job, timeoutMs)), timeoutMs),
    ];
    try {
      const file = toFile(await Promise.race([answer, deadline.promise]));
      free ??= compiler;
      return file;
    } catch (error) {
      if (isAnswer(error)) free ??= compiler;
      throw error;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      // The compiler died, is still busy with a file that took too long, or is one too many.
      if (free !== compiler) await end(compiler);
      mine.resolve();
      clearTimeout(idle);
      if (free !== null) idle = setTimeout(() => free && end(free), idleMs);
    }
  }

  async function find(job: TransformJob, key: string): Promise<TransformedFile> {
    if (cacheFolder === null) return await compile(job);
    const file = join(cacheFolder, `${key}.json`);
    const known = await readCached(file);
    if (known !== null) return known;
    const compiled = await compile(job);
    await writeCached(file, compiled);
    return compiled;
  }

  /** By key. At a start, all plugin configs of one plugin ask for the same files. */
  const underWay = new Map<string, Promise<TransformedFile>>();

  return {
    transform(job) {
      const key = keyOf(job);
      const known = underWay.get(key);
      if (known !== undefined) return known;
      const found = find(job, key).finally(() => underWay.delete(key));
      underWay.set(key, found);
      return found;
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(idle);
      await Promise.all([...compilers].map(end));
      clearTimeout(idle);
    },
  };
}

function toFile(answer: CompileAnswer): TransformedFile {
  if ("file" in answer) return answer.file;
  const { message, line, column } = answer.error;
  throw new TransformError(message, line, column);
}

function tooSlow(job: TransformJob, timeoutMs: number): Error {
  return new Error(`Cannot compile /${job.path}: it took more than ${timeoutMs / 1000} s`);
}

/** Whether the error is in the code, so that the compiler is still usable. */
function isAnswer(error: unknown): boolean {
  return error instanceof TransformError;
}

/** Everything that the output depends on. */
function keyOf({ path, code, paths }: TransformJob): string {
  return createHash("sha256").update(JSON.stringify([TRANSFORM_VERSION, path, code, paths.toSorted()])).digest("hex");
}

/** Null when there is no cached file or it is damaged; it is compiled again then. */
async function readCached(file: string): Promise<TransformedFile | null> {
  try {
    const cached: Partial<TransformedFile> = JSON.parse(await Deno.readTextFile(file));
    const { code, map, imports, packages } = cached;
    if (typeof code !== "string" || typeof map !== "string") return null;
    if (!Array.isArray(imports) || !Array.isArray(packages)) return null;
    await Deno.utime(file, new Date(), new Date());
    return { code, map, imports, packages };
  } catch {
    return null;
  }
}

/** Written by a rename, so that a reader never sees an incomplete file. A failing cache only costs time. */
async function writeCached(file: string, compiled: TransformedFile): Promise<void> {
  const temporary = `${file}.${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(temporary, JSON.stringify(compiled));
    await Deno.rename(temporary, file);
  } catch {
    await Deno.remove(temporary).catch(() => {});
  }
}

async function removeOld(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const file = join(folder, name);
    const info = await Deno.stat(file).catch(() => null);
    if (info?.mtime && info.mtime.getTime() < Date.now() - KEEP_MS) await Deno.remove(file).catch(() => {});
  }
}
