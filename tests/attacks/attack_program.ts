/**
 * An attack from outside: a program, `attack.py` in a folder, that is run against the service as `attack.py <port>
 * <project token>`. The host must go on answering meanwhile.
 * @module
 */

import { join } from "node:path";
import { startAttackedService } from "./attacked_service.ts";

export interface AttackProgram {
  id: string;
  path: string;
}

export interface ProgramObservation {
  /** The slowest answer of /_health. */
  worstHealthMs: number;
  hostGrowthMb: number;
  hostAlive: boolean;
  /** What the program printed, for whoever reads a failure. */
  said: string;
}

const TOKEN = "phc_program";
/** A program that waits for ever is ended. */
const PROGRAM_MS = 15_000;
const EVERY_MS = 20;
const MAX_HEALTH_MS = 100;
const MAX_GROWTH_MB = 200;

/** Programs in the folders below this one. */
export async function readPrograms(folder: string, prefixes: string[]): Promise<AttackProgram[]> {
  const programs: AttackProgram[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name, "attack.py");
    const found = isDirectory && await Deno.stat(path).then(() => true, () => false);
    if (found && (prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)))) {
      programs.push({ id: name, path });
    }
  }
  return programs.sort((a, b) => a.id < b.id ? -1 : 1);
}

export async function observeProgram({ path }: AttackProgram): Promise<ProgramObservation> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_program_" });
  await using service = await startAttackedService(folder, {
    projects: [{ id: 2, name: "attacked", token: TOKEN, plugins: [] }],
  });
  const before = service.hostRssMb();
  const program = new Deno.Command("python3", {
    args: [path, String(service.port), TOKEN],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(PROGRAM_MS),
  }).output();
  let over = false;
  void program.finally(() => over = true);
  let worstHealthMs = 0;
  let hostGrowthMb = 0;
  while (!over && service.alive()) {
    const start = performance.now();
    await fetch(`http://127.0.0.1:${service.port}/_health`).then((response) => response.text()).catch(() => {});
    worstHealthMs = Math.max(worstHealthMs, performance.now() - start);
    hostGrowthMb = Math.max(hostGrowthMb, service.hostRssMb() - before);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  const { stdout, stderr } = await program;
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const hostAlive = service.alive();
  await service.stop();
  await Deno.remove(folder, { recursive: true });
  return { worstHealthMs, hostGrowthMb, hostAlive, said: said.slice(-500) };
}

/** Every reason why the program got through, in words. */
export function judgeProgram({ worstHealthMs, hostGrowthMb, hostAlive, said }: ProgramObservation): string[] {
  const rules: [boolean, string][] = [
    [!hostAlive, "the host died"],
    [worstHealthMs > MAX_HEALTH_MS, `health took ${Math.round(worstHealthMs)} ms, expected at most ${MAX_HEALTH_MS}`],
    [hostGrowthMb > MAX_GROWTH_MB, `the host grew by ${Math.round(hostGrowthMb)} MB`],
  ];
  const broken = rules.filter(([each]) => each).map(([, words]) => words);
  return broken.length === 0 ? [] : [...broken, `the program said: ${said}`];
}
