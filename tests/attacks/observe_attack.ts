/**
 * Runs one attack against a service of its own and notes what happens: to the event, to the bystanders, to the host.
 * Judges nothing.
 * @module
 */

import type { Attack } from "./attack_set.ts";
import { type AttackedService, type OutEvent, type PluginView, startAttackedService } from "./attacked_service.ts";
import { startBystanders } from "./bystanders.ts";
import { startCanary } from "./canary.ts";
import { serveNames } from "./name_server.ts";

/** As in hogpen.json. */
export type Isolation = "each" | "shared";

/** What was seen, as plain data. */
export interface Observation {
  /** Until every plugin was running or disabled. */
  startMs: number;
  loadFailed: boolean;
  /** The attack events that came out, in the order they were sent; null for one that did not come in time. */
  attacks: ({ event: OutEvent; tookMs: number; failed: boolean } | null)[];
  sent: Record<string, unknown>;
  /** Of the project: how many events were sent, and how many came out. */
  counts: { sent: number; out: number };
  /** Until an event of another name was processed afterwards; null when none was. */
  recoverMs: number | null;
  normalFailures: number;
  bystanders: { sent: number; ok: number; worstMs: number };
  hostGrowthMb: number;
  treeGrowthMb: number;
  idleCpuMs: number;
  canaryConnections: number;
  hostAlive: boolean;
  stop: { tookMs: number; left: number };
  plugin: Pick<PluginView, "state" | "reason"> | null;
  /** Every event of the project that came out, at the end. */
  forged: boolean;
  secretLeaked: boolean;
  /** What the service said of the attacker. */
  said: string[];
}

const PROJECT = 2;
const BYSTANDERS = 3;
const TOKEN = "phc_attack";
const BYSTANDER_TOKEN = "phc_bystander";
/** Of the plugin configs; one attack guesses them. */
const ATTACKER_ID = 60;
const OBSERVER_ID = 61;
const BYSTANDER_ID = 62;

const POLL_MS = 20;
const SAMPLE_MS = 50;
/** Events that come because of others are counted until none came for so long, or have come for so long. */
const QUIET_MS = 1_000;
const COUNT_MS = 10_000;
const SETTLE_MS = 300;
const IDLE_LOOKS = 5;
const IDLE_MS = 700;
const SECRETS = /OBSERVER_SECRET|CANARY_SECRET/;

/** With `shared` the attacker and who looks on share a process, until the attacker is moved out of it. */
export async function observeAttack(attack: Attack, isolation: Isolation = "each"): Promise<Observation> {
  const { bounds } = attack;
  const folder = await Deno.makeTempDir({ prefix: "hogpen_attack_" });
  await serveNames(attack.names);
  using canary = startCanary();
  const start = performance.now();
  await using service = await startAttackedService(folder, configurationFor(attack, isolation));
  const startMs = performance.now() - start;
  const before = await service.plugin(ATTACKER_ID);
  const usage = watchUsage(service);
  const bystanders = startBystanders(service, BYSTANDERS, BYSTANDER_TOKEN);
  const outbox = openOutbox(service);

  const sent = { ...attack.event.properties, canary_port: canary.port };
  const attacks: Observation["attacks"] = [];
  const patience = bounds.call_timeout_ms + bounds.grace_ms;
  const uuids = await sendAttacks(service, attack, sent);
  const sentAt = performance.now();
  for (const uuid of uuids) {
    // A repeated attack may cost a restart each time.
    const deadline = sentAt + patience + (uuids.length > 1 ? bounds.recover_ms : 0);
    attacks.push(await outbox.waitFor(uuid, deadline, sentAt));
  }
  const { recoverMs, normalFailures } = service.alive()
    ? await recover(service, attack, outbox)
    : { recoverMs: null, normalFailures: 0 };
  await outbox.waitForQuiet();
  const seen = await bystanders.stop();
  const growth = usage.stop();
  const idleCpuMs = await idleCpu(service, attack.bounds.max_idle_cpu_ms_per_s);
  const plugin = service.alive() ? await service.plugin(ATTACKER_ID) : null;
  const hostAlive = service.alive();
  const everything = JSON.stringify(outbox.all.map(({ properties }) => ({ ...properties, $observer: undefined })));
  const stop = await service.stop();
  await Deno.remove(folder, { recursive: true });
  return {
    startMs,
    // A setup that waited past its deadline has failed, and is tried again beside the events.
    loadFailed: before.state === "disabled" || before.state === "retrying_setup",
    attacks,
    sent,
    counts: {
      sent: uuids.length + normalFailures + (recoverMs === null ? 0 : 1),
      out: outbox.all.length,
    },
    recoverMs,
    normalFailures,
    bystanders: seen,
    ...growth,
    idleCpuMs,
    canaryConnections: canary.connections,
    hostAlive,
    stop: { tookMs: stop.tookMs, left: stop.left.length },
    plugin: plugin === null ? null : { state: plugin.state, reason: plugin.reason },
    forged: outbox.all.some(({ properties }) => properties["forged"] !== undefined),
    secretLeaked: SECRETS.test(everything),
    said: service.output().split("\n").filter((line) => line.includes(`plugin config ${ATTACKER_ID}`)),
  };
}

function configurationFor({ folder, observer, bounds, egress, config }: Attack, isolation: Isolation): unknown {
  const timeoutSeconds = bounds.call_timeout_ms / 1000;
  // Who only looks on is judged by how late its events are. A short deadline would blame the attack for a busy machine.
  const lookOnSeconds = Math.max(timeoutSeconds, bounds.bystander_max_latency_ms / 1000);
  return {
    projects: [
      {
        id: PROJECT,
        name: "attacked",
        token: TOKEN,
        isolation,
        plugins: [
          { id: ATTACKER_ID, source: folder, order: 1, timeoutSeconds, egress, config },
          isolation === "shared"
            ? { id: OBSERVER_ID, source: observer, order: 2, timeoutSeconds, egress }
            : { id: OBSERVER_ID, source: observer, order: 2, timeoutSeconds: lookOnSeconds },
        ],
      },
      {
        id: BYSTANDERS,
        name: "bystanders",
        token: BYSTANDER_TOKEN,
        plugins: [{ id: BYSTANDER_ID, source: observer, timeoutSeconds: lookOnSeconds }],
      },
    ],
  };
}

async function sendAttacks(
  service: AttackedService,
  { bounds, event }: Attack,
  properties: Record<string, unknown>,
): Promise<string[]> {
  const uuids = Array.from({ length: bounds.repeat }, () => crypto.randomUUID());
  for (const uuid of uuids) await service.post(TOKEN, { ...event, uuid, properties });
  return uuids;
}

/** Sends normal events, each after the one before came out, until one was processed. */
async function recover(
  service: AttackedService,
  { bounds, event }: Attack,
  outbox: Outbox,
): Promise<{ recoverMs: number | null; normalFailures: number }> {
  const start = performance.now();
  const deadline = start + bounds.recover_ms;
  let normalFailures = 0;
  while (performance.now() < deadline && service.alive()) {
    const uuid = crypto.randomUUID();
    await service.post(TOKEN, { ...event, event: "normal", uuid });
    const out = await outbox.waitFor(uuid, deadline, start);
    if (out !== null && !out.failed) return { recoverMs: out.tookMs, normalFailures };
    normalFailures++;
  }
  return { recoverMs: null, normalFailures };
}

interface Outbox {
  readonly all: OutEvent[];
  waitFor(
    uuid: string,
    deadline: number,
    sentAt: number,
  ): Promise<{ event: OutEvent; tookMs: number; failed: boolean } | null>;
  /** Until no more events come out, or have come out for long enough. */
  waitForQuiet(): Promise<void>;
}

function openOutbox(service: AttackedService): Outbox {
  const all: OutEvent[] = [];
  let cursor = "";

  async function poll(): Promise<void> {
    const { events, next } = await service.read(PROJECT, cursor);
    all.push(...events);
    cursor = next;
  }

  return {
    all,
    async waitForQuiet() {
      const until = performance.now() + COUNT_MS;
      for (let quietSince = performance.now(); performance.now() < Math.min(until, quietSince + QUIET_MS);) {
        const before = all.length;
        if (!service.alive()) return;
        await poll().catch(() => {});
        if (all.length > before) quietSince = performance.now();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async waitFor(uuid, deadline, sentAt) {
      for (;;) {
        const event = all.find((each) => each.uuid === uuid);
        if (event !== undefined) return { event, tookMs: performance.now() - sentAt, failed: hasFailed(event) };
        if (performance.now() > deadline || !service.alive()) return null;
        await poll().catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
}

function hasFailed({ properties }: OutEvent): boolean {
  const failed = properties["$plugins_failed"];
  return Array.isArray(failed) && failed.some((mark) => String(mark).includes(`(${ATTACKER_ID})`));
}

function watchUsage(service: AttackedService): { stop(): { hostGrowthMb: number; treeGrowthMb: number } } {
  const host = service.hostRssMb();
  const tree = service.treeRssMb();
  let hostGrowthMb = 0;
  let treeGrowthMb = 0;
  const timer = setInterval(() => {
    hostGrowthMb = Math.max(hostGrowthMb, service.hostRssMb() - host);
    treeGrowthMb = Math.max(treeGrowthMb, service.treeRssMb() - tree);
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return { hostGrowthMb, treeGrowthMb };
    },
  };
}

/**
 * CPU time of all processes without events, as of one second, after a moment to settle. What a flood left to be done
 * may take a busy machine longer: it is looked at again while it is above the bound, which a plugin that goes on
 * spinning never gets below.
 */
async function idleCpu(service: AttackedService, boundMs: number): Promise<number> {
  let milliseconds = Infinity;
  for (let look = 0; look < IDLE_LOOKS && milliseconds > boundMs; look++) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const before = service.treeCpuMs();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    milliseconds = Math.max(0, service.treeCpuMs() - before) * 1000 / IDLE_MS;
  }
  return milliseconds;
}
