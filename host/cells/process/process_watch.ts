/**
 * Looks at the memory and CPU time of every cell, on one timer for all of them.
 * @module
 */

export interface Watched {
  readonly pid: number;
  /** Told of each look at the memory, in bytes. */
  onMemory(bytes: number): void;
  /** CPU time since the process started, in milliseconds; told about twice a second. */
  onCpu(milliseconds: number): void;
}

/** A plugin can take 1 GB in a second, so a cell may exceed its limit by about 50 MB before it is seen. */
const MEMORY_MS = 50;
const CPU_EVERY = 10;

const PAGE_BYTES = 4096;
/** Linux counts CPU time in hundredths of a second for every program it shows them to. */
const TICK_MS = 10;

/** Needs /proc: elsewhere V8's heap limit is all there is, and figures are absent. */
const HAS_PROC = Deno.build.os === "linux";

interface Entry {
  watched: Watched;
  memory: Deno.FsFile;
}

/** The watch of one service. Runs only while there are cells. */
export class ProcessWatch implements Disposable {
  readonly #entries = new Map<Watched, Entry>();
  readonly #bytes = new Uint8Array(128);
  #timer: ReturnType<typeof setInterval> | undefined;
  #looks = 0;

  /** Starts watching; the returned function ends it. */
  watch(watched: Watched): () => void {
    const memory = HAS_PROC ? openStatm(watched.pid) : null;
    if (memory === null) return () => {};
    this.#entries.set(watched, { watched, memory });
    this.#timer ??= setInterval(() => this.#look(), MEMORY_MS);
    return () => {
      if (!this.#entries.delete(watched)) return;
      memory.close();
      if (this.#entries.size === 0) this[Symbol.dispose]();
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { memory } of this.#entries.values()) memory.close();
    this.#entries.clear();
  }

  #look(): void {
    this.#looks++;
    for (const { watched, memory } of [...this.#entries.values()]) {
      const bytes = readOwnMemory(memory, this.#bytes);
      if (bytes !== null) watched.onMemory(bytes);
      if (this.#looks % CPU_EVERY === 0) {
        const cpuMs = readCpuMs(watched.pid);
        if (cpuMs !== null) watched.onCpu(cpuMs);
      }
    }
  }
}

function openStatm(pid: number): Deno.FsFile | null {
  try {
    return Deno.openSync(`/proc/${pid}/statm`);
  } catch {
    return null;
  }
}

/**
 * Resident pages less those of files: the program itself is shared by all cells and by the host. Null when the process
 * has ended.
 */
function readOwnMemory(statm: Deno.FsFile, buffer: Uint8Array): number | null {
  try {
    statm.seekSync(0, Deno.SeekMode.Start);
    const length = statm.readSync(buffer) ?? 0;
    const fields = new TextDecoder().decode(buffer.subarray(0, length)).split(" ");
    const pages = Number(fields[1]) - Number(fields[2]);
    return pages > 0 ? pages * PAGE_BYTES : null;
  } catch {
    return null;
  }
}

/** User and system time of all threads; null when the process has ended. */
export function readCpuMs(pid: number): number | null {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The program's name, in parentheses, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return null;
  }
}
