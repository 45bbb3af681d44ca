/**
 * What ten open pages cost the service: its throughput with and without ten readers that ask what the list of apps
 * asks, as often as the page does, in turn. The readers have no browser around them: on a machine of two cores ten
 * browsers would cost more than the service.
 * @module
 */

import { ADMIN_TOKEN, startTestService } from "../tests/kit/service.ts";
import { median, printGoals, printMachine } from "./kit/report.ts";
import { receiveSentinels } from "./kit/sentinel_receiver.ts";
import { loadedProject, measureThroughput } from "./kit/service_load.ts";

const PAGES = 10;
const ROUNDS = 5;
const EVENTS_A_ROUND = 40_000;
const GOAL = 0.95;
/** As ui/lib/use_data.ts has it. */
const AT_MOST_EVERY_MS = 1_000;
/** What ui/pages/apps.tsx reads again, by the topic of the message that has it read. */
const READS: Record<string, string[]> = {
  states: ["plugin_configs?limit=100", "alerts"],
  counters: [
    "metrics/totals?subject=plugin:*&field=in,dropped,failed,p95_ms&limit=150",
    "metrics/series?subject=plugin:*&field=in&points=40&limit=150",
    "events?team_id=1&limit=1",
  ],
  lag: ["alerts"],
};

printMachine();
await using receiver = receiveSentinels();
await using service = await startTestService({ config: { projects: [loadedProject(receiver)] } });
await measureThroughput(service.url, receiver, EVENTS_A_ROUND);
const rates = { without: [] as number[], with: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  rates.without.push(await measureThroughput(service.url, receiver, EVENTS_A_ROUND));
  const pages = openPages();
  rates.with.push(await measureThroughput(service.url, receiver, EVENTS_A_ROUND));
  const { reads, messages } = await pages.close();
  console.log(`round ${round + 1}: ${messages} messages, ${reads} reads`);
}
const [without, withPages] = [median(rates.without), median(rates.with)];
const ratio = withPages / without;
console.log(`without ${Math.round(without)} events/s, with ${PAGES} pages ${Math.round(withPages)}`);
printGoals([{ what: `with ${PAGES} open pages ≥ ${GOAL} × without: ${ratio.toFixed(2)}`, met: ratio >= GOAL }]);

interface Pages {
  close(): Promise<{ reads: number; messages: number }>;
}

function openPages(): Pages {
  const over = new AbortController();
  const count = { reads: 0, messages: 0 };
  const following = Array.from({ length: PAGES }, () => follow(over.signal, count).catch(() => {}));
  return {
    async close() {
      over.abort();
      await Promise.all(following);
      return count;
    },
  };
}

async function follow(signal: AbortSignal, count: { reads: number; messages: number }): Promise<void> {
  const due = new Map<string, ReturnType<typeof setTimeout>>();
  const read = async (path: string) => {
    due.delete(path);
    count.reads++;
    await (await ask(path, signal)).arrayBuffer();
  };
  const stream = await ask("live", signal);
  try {
    for await (const text of stream.body!.pipeThrough(new TextDecoderStream())) {
      for (const [, topic = ""] of text.matchAll(/^event: (\w+)$/gm)) {
        count.messages++;
        for (const path of READS[topic] ?? []) {
          if (!due.has(path)) due.set(path, setTimeout(() => read(path).catch(() => {}), AT_MOST_EVERY_MS));
        }
      }
    }
  } finally {
    for (const timer of due.values()) clearTimeout(timer);
  }
}

async function ask(path: string, signal: AbortSignal): Promise<Response> {
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  const response = await fetch(`${service.url}/_hogpen/api/${path}`, { headers, signal });
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
  return response;
}
