/**
 * Something that a benchmark measures: runs its work for a while and says how much was done.
 * @module
 */

import { processorOf } from "./process_figures.ts";
import { TextLineStream } from "./text_line_stream.ts";

export interface Contender extends AsyncDisposable {
  name: string;
  /** The processes that do its work. */
  readonly pids: number[];
  /** Events a second over about this long. */
  run(milliseconds: number): Promise<number>;
}

/** Events a second depend on who else uses the machine; processor time for each event hardly does. */
export interface Measured {
  rate: number;
  micros: number;
}

export async function measureContender({ pids, run }: Contender, milliseconds: number): Promise<Measured> {
  const used = () => pids.reduce((sum, pid) => sum + processorOf(pid).ms, 0);
  const [before, begin] = [used(), performance.now()];
  const rate = await run(milliseconds);
  return { rate, micros: (used() - before) * 1_000_000 / (rate * (performance.now() - begin)) };
}

/** A program that speaks as `bench/peers/contender.mjs` does. */
export function programContender(name: string, command: string, args: string[]): Contender {
  const process = new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  const input = process.stdin.getWriter();
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  return {
    name,
    pids: [process.pid],
    async run(milliseconds) {
      await input.write(new TextEncoder().encode(`${milliseconds}\n`));
      const { value } = await lines.read();
      if (value === undefined) throw new Error(`Cannot measure ${name}: it ended`);
      const [events = 0, took = 1] = value.split(" ").map(Number);
      return events / took * 1000;
    },
    async [Symbol.asyncDispose]() {
      await input.close();
      await lines.cancel();
      await process.status;
    },
  };
}
