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
