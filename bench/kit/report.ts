/**
 * How benchmarks speak: the machine, rows of figures, goals as ratios of one run.
 * @module
 */

import { cpus, totalmem } from "node:os";

export function printMachine(): void {
  const [first] = cpus();
  const load = Deno.loadavg()[0]?.toFixed(2);
  console.log(
    `${cpus().length} × ${first?.model.trim()}, ${
      Math.round(totalmem() / 2 ** 30)
    } GiB, Deno ${Deno.version.deno}, load ${load}`,
  );
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle] as number
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function percentile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** As Markdown, for the documents. */
export function printTable(head: string[], rows: string[][]): void {
  for (const row of [head, head.map(() => "---"), ...rows]) console.log(`| ${row.join(" | ")} |`);
}

export interface Goal {
  what: string;
  met: boolean;
}

/** Prints `all goals met` or `goals missed: …` as the last line, and sets the exit code. */
export function printGoals(goals: Goal[]): void {
  for (const { what, met } of goals) console.log(`${met ? "met   " : "MISSED"}  ${what}`);
  const missed = goals.filter(({ met }) => !met);
  console.log(missed.length === 0 ? "all goals met" : `goals missed: ${missed.map(({ what }) => what).join("; ")}`);
  if (missed.length > 0) Deno.exitCode = 1;
}
