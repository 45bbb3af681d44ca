/**
 * How much processor time a process and all that it started have used, as Linux counts it.
 * @module
 */

/** Linux counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

interface Entry {
  parent: number;
  /** Of its own, and of its children that have ended. */
  ticks: number;
}

/** Seconds, over all threads. */
export function processorSecondsOf(pid: number): number {
  const all = readAll();
  const ticks = treeOf(pid, all).reduce((sum, each) => sum + (all.get(each)?.ticks ?? 0), 0);
  return ticks / TICKS_PER_SECOND;
}

/** Of the thread in which the process began. */
export function mainThreadSecondsOf(pid: number): number {
  return (readStat(`/proc/${pid}/task/${pid}/stat`)?.ownTicks ?? 0) / TICKS_PER_SECOND;
}

/** Runs the process, and what it has started and will start, on these cores alone. */
export async function pinTo(cores: string, pid: number): Promise<void> {
  for (const each of treeOf(pid, readAll())) {
    // One that has ended meanwhile needs no core.
    await new Deno.Command("taskset", { args: ["-a", "-c", "-p", cores, String(each)], stdout: "null", stderr: "null" })
      .output();
  }
}

function treeOf(pid: number, all: ReadonlyMap<number, Entry>): number[] {
  const children = Map.groupBy(all.keys(), (each) => all.get(each)?.parent ?? 0);
  const below = (of: number): number[] => [of, ...(children.get(of) ?? []).flatMap(below)];
  return below(pid);
}

function readAll(): Map<number, Entry> {
  const all = new Map<number, Entry>();
  for (const { name } of Deno.readDirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? readStat(`/proc/${name}/stat`) : null;
    if (stat !== null) all.set(Number(name), stat);
  }
  return all;
}

/** Null for a process that has ended. */
function readStat(path: string): (Entry & { ownTicks: number }) | null {
  try {
    const stat = Deno.readTextFileSync(path);
    // The name of the program, in brackets, may hold anything.
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = rest.slice(9, 13).map(Number);
    const ownTicks = user + system;
    return { parent: Number(parent), ticks: ownTicks + childrenUser + childrenSystem, ownTicks };
  } catch {
    return null;
  }
}
