/**
 * What an attack costs the machine, and what it leaves behind: memory while it runs, events and processor time
 * afterwards.
 * @module
 */

import type { AttackedService } from "./attacked_service.ts";
import type { Outbox } from "./outbox.ts";

const SAMPLE_MS = 50;
/** Events that come because of others are counted until none came for so long. */
const QUIET_MS = 300;
const SETTLE_MS = 300;
const IDLE_MS = 700;
/** How long the service may take to come to rest. */
const REST_MS = 10_000;
const POLL_MS = 50;

export interface Growth {
  hostGrowthMb: number;
  treeGrowthMb: number;
}

/** Watches memory until it is stopped. */
export function watchMemory(service: AttackedService): { stop(): Growth } {
  const host = service.hostRssMb();
  const tree = service.treeRssMb();
  const growth: Growth = { hostGrowthMb: 0, treeGrowthMb: 0 };
  const timer = setInterval(() => {
    growth.hostGrowthMb = Math.max(growth.hostGrowthMb, service.hostRssMb() - host);
    growth.treeGrowthMb = Math.max(growth.treeGrowthMb, service.treeRssMb() - tree);
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return growth;
    },
  };
}

/** Resolves when no more events come out, or have come out for long enough. */
export async function waitForQuiet(service: AttackedService, outboxes: readonly Outbox[]): Promise<void> {
  const until = performance.now() + REST_MS;
  let quietSince = performance.now();
  while (service.alive() && performance.now() < Math.min(until, quietSince + QUIET_MS)) {
    if (await pollAll(outboxes) > 0) quietSince = performance.now();
    await delay(POLL_MS);
  }
}

/**
 * The processor time of all processes without events, per second, once nothing comes out any more. What a flood left to
 * be done may take a busy machine longer, so it is measured again while it is above the bound. A plugin that goes on
 * spinning never gets below.
 */
export async function idleCpu(
  service: AttackedService,
  outboxes: readonly Outbox[],
  boundMs: number,
): Promise<number> {
  for (const until = performance.now() + REST_MS;;) {
    await delay(SETTLE_MS);
    const before = service.treeCpuMs();
    await delay(IDLE_MS);
    const milliseconds = Math.max(0, service.treeCpuMs() - before) * 1000 / IDLE_MS;
    const isQuiet = await pollAll(outboxes) === 0;
    if (isQuiet && milliseconds <= boundMs || performance.now() > until) return milliseconds;
  }
}

async function pollAll(outboxes: readonly Outbox[]): Promise<number> {
  const counts = await Promise.all(outboxes.map((outbox) => outbox.poll()));
  return counts.reduce((sum, count) => sum + count, 0);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
