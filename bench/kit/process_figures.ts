/**
 * What Linux says of a process.
 * @module
 */

export interface ProcessFigures {
  pid: number;
  descriptors: number;
  threads: number;
  /** Resident. */
  memoryMb: number;
}

/** Null when the process is gone. */
export function figuresOf(pid: number): ProcessFigures | null {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
    return {
      pid,
      descriptors: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
      threads: field("Threads"),
      memoryMb: field("VmRSS") / 1024,
    };
  } catch {
    return null;
  }
}

/** Linux counts processor time in hundredths of a second. */
const MS_A_TICK = 10;

/** The process's parent, and the milliseconds of processor time that it has used; nothing of a process that is gone. */
export function processorOf(pid: number): { parent: number; ms: number } {
  return readProcessor(readOf(pid, "stat"));
}

/** The milliseconds of processor time of the thread in which the process began. */
export function mainThreadMs(pid: number): number {
  return readProcessor(readOf(pid, `task/${pid}/stat`)).ms;
}

function readProcessor(text: string): { parent: number; ms: number } {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  return { parent: fields[1] ?? 0, ms: ((fields[11] ?? 0) + (fields[12] ?? 0)) * MS_A_TICK };
}

/** Proportional set size in MB: its own pages, and its share of those that it has in common with others. */
export function pssMb(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readOf(pid, "smaps_rollup"))?.[1] ?? 0) / 1024;
}

export function childrenOf(pid: number): number[] {
  return [...Deno.readDirSync("/proc")]
    .map(({ name }) => Number(name))
    .filter((id) => Number.isInteger(id) && processorOf(id).parent === pid);
}

/** True for a process in which plugins run; the host has others, which compile them. */
export function isCell(pid: number): boolean {
  return /\/sandbox\/(?:boot\/)?cell\b/.test(readOf(pid, "cmdline"));
}

function readOf(pid: number, file: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch {
    return "";
  }
}
