/**
 * Processor time of an event by thread: the host's and the cells' own threads, and those that V8 and the runtime keep
 * beside them. A chain of five plugins, router to outbox in memory. Linux only, as it reads /proc.
 * @module
 */

import { hogpenChain } from "./kit/hogpen_chain.ts";
import { printMachine } from "./kit/report.ts";
import { pluginSources } from "./workload.ts";

const WARM_MS = 2_500;
const RUN_MS = 4_000;
/** Less than this is left out. */
const SHOWN_MICROS = 0.3;

printMachine();
for (const [name, isolation] of [["one cell each", "each"], ["shared cell", "shared"]] as const) {
  await using chain = await hogpenChain(name, { sources: pluginSources(5), isolation });
  await chain.run(WARM_MS);
  const before = readThreads();
  const begin = performance.now();
  const rate = await chain.run(RUN_MS);
  const events = rate * (performance.now() - begin) / 1000;
  const after = readThreads();

  const micros = new Map<string, number>();
  for (const [id, { kind, nanos }] of after) {
    const spent = (nanos - (before.get(id)?.nanos ?? 0)) / 1000 / events;
    micros.set(kind, (micros.get(kind) ?? 0) + spent);
  }
  const total = [...micros.values()].reduce((sum, each) => sum + each, 0);
  console.log(`\n${name}: ${Math.round(rate)} events/s, ${total.toFixed(1)} µs of processor time per event`);
  for (const [kind, spent] of [...micros].sort(([, a], [, b]) => b - a)) {
    if (spent >= SHOWN_MICROS) console.log(`  ${kind.padEnd(28)} ${spent.toFixed(1).padStart(6)}`);
  }
}
Deno.exit();

interface Thread {
  kind: string;
  /** Processor time since its start. */
  nanos: number;
}

/** Every thread of this process and of its children, by thread id. */
function readThreads(): Map<string, Thread> {
  const threads = new Map<string, Thread>();
  for (const pid of [Deno.pid, ...childrenOf(Deno.pid)]) {
    for (const { name: id } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const folder = `/proc/${pid}/task/${id}`;
      const name = Number(id) === pid ? "main" : Deno.readTextFileSync(`${folder}/comm`).trim();
      const [nanos] = Deno.readTextFileSync(`${folder}/schedstat`).split(" ");
      threads.set(id, { kind: `${pid === Deno.pid ? "host" : "cell"}: ${name}`, nanos: Number(nanos) });
    }
  }
  return threads;
}

function childrenOf(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name: id }) => {
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${id}/children`).trim();
    return children === "" ? [] : children.split(" ").map(Number);
  });
}
