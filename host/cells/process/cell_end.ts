/**
 * Why a cell ended, in words for the plugin's author and in kinds for the host.
 * @module
 */

/**
 * `hang`: a call did not return · `memory`: past its limit · `cpu`: busy while nothing was asked of it · `protocol`:
 * sent what a sandbox never sends · `exit`: its process ended by itself · `start`: it never came up, which no plugin
 * can cause · `stopped`: the host ended it.
 */
export type CellEndKind = "hang" | "memory" | "cpu" | "protocol" | "exit" | "start" | "stopped";

export interface CellEnd {
  kind: CellEndKind;
  /** Goes on after "stopped: ", such as "a call to processEvent did not return for 30 s". */
  words: string;
  /** Requests that it had taken up and not answered. */
  inFlight: number;
  /** How much its memory had grown since the oldest of them was sent. */
  grownBytes: number;
}

/** The error with which every request in flight is rejected when its cell ends. */
export class CellEndedError extends Error {
  override name = "CellEndedError";
  /** `taken`: the sandbox had begun with the request. */
  constructor(readonly end: CellEnd, readonly taken: boolean) {
    super(`Cannot get an answer from the sandbox: ${end.words}`);
  }
}

/** Exit codes of sandbox/boot/cell.ts that say more than that it ended. */
const BAD_SANDBOX_FRAME = 65;

const OUT_OF_MEMORY =
  /out of memory|heap limit|allocation failed|memory allocation|invalid (array|string|table)? ?(size|length)/i;

/** The system could not start the process; no plugin can cause that. */
export function notStarted(error: unknown): CellEnd {
  const words = `its process could not be started (${error instanceof Error ? error.message : error})`;
  return { kind: "start", words, inFlight: 0, grownBytes: 0 };
}

/** What the end of the process tells, with the last of what it wrote to stderr. */
export function explainExit(status: Deno.CommandStatus, stderr: string): { kind: CellEndKind; words: string } {
  const how = status.signal === null ? `exit code ${status.code}` : `signal ${status.signal}`;
  const said = lastWords(stderr);
  const words = `its process ended by itself (${how}${said === "" ? "" : `: ${said}`})`;
  if (OUT_OF_MEMORY.test(stderr)) return { kind: "memory", words: `it ran out of memory (${said})` };
  if (status.code === BAD_SANDBOX_FRAME) return { kind: "protocol", words };
  return { kind: "exit", words };
}

/** The first line that looks like a reason. */
function lastWords(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.replaceAll(/[#<>-]/g, " ").replaceAll(/\s+/g, " ").trim());
  const line = lines.find((line) => /cell:|fatal|panic|out of memory|error/i.test(line)) ?? lines.findLast(Boolean) ??
    "";
  return line.replace(/^cell: /, "").slice(0, 300);
}

/** `30 s`, `1.5 s`. */
export function inSeconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(2))} s`;
}
