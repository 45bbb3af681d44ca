/**
 * Memory and CPU time of the service and of the processes it started.
 * @module
 */

/** The process and all below it, the process first. */
export function treeOf(pid: number): number[] {
  const children = readChildren(pid);
  return [pid, ...children.flatMap(treeOf)];
}

/** Resident memory in MB; 0 when it has ended. */
export function rssMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`));
  return line === null ? 0 : Number(line[1]) / 1024;
}

/** User and system time in milliseconds; 0 when it has ended. */
export function cpuMs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10;
}

/** Whether it still runs; one that waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}

function readChildren(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number)
    .concat(
      threadsOf(pid).flatMap((thread) =>
        read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number)
      ),
    );
}

/** Children belong to the thread that started them. */
function threadsOf(pid: number): number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => Number(name)).filter((thread) =>
      thread !== pid
    );
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
