/**
 * Events through a whole service over HTTP, from the first POST until the last one has come out at a destination.
 * @module
 */

import { SENTINEL, type SentinelReceiver } from "./sentinel_receiver.ts";
import { pluginSources, workloadEvent } from "../workload.ts";

const TOKEN = "phc_bench";
/** Events of a request. */
export const BATCH = 50;
const CONNECTIONS = 8;

/** A project with five plugins whose events go to the receiver. */
export function loadedProject(receiver: SentinelReceiver) {
  const plugins = pluginSources(5).map((inline, index) => ({
    id: index + 1,
    source: { inline, name: `plugin ${index + 1}` },
    order: index,
  }));
  return { id: 1, token: TOKEN, plugins, destinations: [receiver.destination] };
}

/** Events a second. */
export async function measureThroughput(url: string, receiver: SentinelReceiver, events: number): Promise<number> {
  const begin = performance.now();
  let next = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (next < events) {
      const from = next;
      next += BATCH;
      await post(url, Array.from({ length: BATCH }, (_, index) => freshEvent(from + index)));
    }
  }));
  const last = sentinel();
  await post(url, [last]);
  return (events + 1) / (await receiver.seen(last.uuid) - begin) * 1000;
}

/** Rejects when the events were not taken. */
export async function post(url: string, batch: unknown[], token = TOKEN): Promise<void> {
  const response = await fetch(`${url}/batch`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ api_key: token, batch }),
  });
  if (response.status !== 200) throw new Error(`POST /batch answered ${response.status}: ${await response.text()}`);
  await response.body?.cancel();
}

export function freshEvent(index: number): { uuid: string; [field: string]: unknown } {
  return { ...workloadEvent(index), uuid: crypto.randomUUID() };
}

/** An event whose coming out the receiver tells. */
export function sentinel() {
  return { ...freshEvent(0), event: SENTINEL };
}
