/**
 * Plays attacks against a service and notes what happens: to their events, to the bystanders, to the host. Judges
 * nothing.
 * @module
 */

import type { Attack } from "./attack_set.ts";
import { idleCpu, waitForQuiet, watchMemory } from "./aftermath.ts";
import { type AttackedService, type OutEvent, type PluginView, startAttackedService } from "./attacked_service.ts";
import { startBystanders } from "./bystanders.ts";
import { startCanary } from "./canary.ts";
import { serveNames } from "./name_server.ts";
import { openOutbox, type Outbox } from "./outbox.ts";

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

const BYSTANDERS = 1;
const BYSTANDER_TOKEN = "phc_bystander";
const BYSTANDER_ID = 1;
/** Of the first attack: attacks of storage guess the ids of the attacker and the observer. */
const FIRST_PROJECT = 2;
const FIRST_ID = 60;
const SECRETS = /OBSERVER_SECRET|CANARY_SECRET/;

/** Where one attack is played: a project of its own, in which an observer runs behind the attacker. */
interface Place {
  attack: Attack;
  project: number;
  token: string;
  attackerId: number;
  observerId: number;
}

/** What became of one attack's events. */
type Played = Pick<Observation, "attacks" | "sent" | "counts" | "recoverMs" | "normalFailures">;

/**
 * Plays the attacks one after the other against one service, each in a project of its own. With `shared` attacker and
 * observer share a process until the attacker is moved out of it. What is seen of the whole service stands in every
 * observation.
 */
export async function observeAttacks(attacks: readonly Attack[], isolation: Isolation): Promise<Observation[]> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_attack_" });
  await serveNames(Object.assign({}, ...attacks.map(({ names }) => names)));
  using canary = startCanary();
  const places = attacks.map(placeOf);
  const start = performance.now();
  await using service = await startAttackedService(folder, configurationFor(places, isolation));
  const startMs = performance.now() - start;
  const before = await statesOf(service, places);
  const memory = watchMemory(service);
  const bystanders = startBystanders(service, BYSTANDERS, BYSTANDER_TOKEN);
  const outboxes = places.map(({ project }) => openOutbox(service, project));

  const played: Played[] = [];
  for (const [index, place] of places.entries()) {
    played.push(await play(service, place, outboxes[index] as Outbox, canary.port));
  }
  await waitForQuiet(service, outboxes);
  const seen = await bystanders.stop();
  const growth = memory.stop();
  const boundMs = Math.min(...attacks.map(({ bounds }) => bounds.max_idle_cpu_ms_per_s));
  const idleCpuMs = await idleCpu(service, outboxes, boundMs);
  const hostAlive = service.alive();
  const after = hostAlive ? await statesOf(service, places) : [];
  const stop = await service.stop();
  await Deno.remove(folder, { recursive: true });
  return places.map(({ attackerId }, index) => {
    const { all } = outboxes[index] as Outbox;
    const { counts, ...events } = played[index] as Played;
    const everything = JSON.stringify(all.map(({ properties }) => ({ ...properties, $observer: undefined })));
    return {
      ...events,
      counts: { ...counts, out: all.length },
      startMs,
      // A setup that waited past its deadline has failed, and is tried again beside the events.
      loadFailed: ["disabled", "retrying_setup"].includes(before[index]?.state ?? ""),
      bystanders: seen,
      ...growth,
      idleCpuMs,
      canaryConnections: canary.connections,
      hostAlive,
      stop: { tookMs: stop.tookMs, left: stop.left.length },
      plugin: after[index] ?? null,
      forged: all.some(({ properties }) => properties["forged"] !== undefined),
      secretLeaked: SECRETS.test(everything),
      said: service.output().split("\n").filter((line) => line.includes(`plugin config ${attackerId}`)),
    };
  });
}

function placeOf(attack: Attack, index: number): Place {
  const attackerId = FIRST_ID + 2 * index;
  return {
    attack,
    project: FIRST_PROJECT + index,
    token: `phc_attack_${index}`,
    attackerId,
    observerId: attackerId + 1,
  };
}

function configurationFor(places: readonly Place[], isolation: Isolation): unknown {
  return {
    projects: [
      ...places.map((place) => projectOf(place, isolation)),
      {
        id: BYSTANDERS,
        name: "bystanders",
        token: BYSTANDER_TOKEN,
        plugins: places.slice(0, 1).map(({ attack }) => ({
          id: BYSTANDER_ID,
          source: attack.observer,
          timeoutSeconds: Math.max(...places.map((place) => lookOnSeconds(place.attack))),
        })),
      },
    ],
  };
}

function projectOf({ attack, project, token, attackerId, observerId }: Place, isolation: Isolation): unknown {
  const { folder, observer, bounds, egress, config } = attack;
  const timeoutSeconds = bounds.call_timeout_ms / 1000;
  return {
    id: project,
    name: "attacked",
    token,
    isolation,
    plugins: [
      { id: attackerId, source: folder, order: 1, timeoutSeconds, egress, config },
      isolation === "shared"
        ? { id: observerId, source: observer, order: 2, timeoutSeconds, egress }
        : { id: observerId, source: observer, order: 2, timeoutSeconds: lookOnSeconds(attack) },
    ],
  };
}

/**
 * Who only looks on is judged by how late its events are. A short deadline would blame the attack for a busy machine.
 */
function lookOnSeconds({ bounds }: Attack): number {
  return Math.max(bounds.call_timeout_ms, bounds.bystander_max_latency_ms) / 1000;
}

async function statesOf(service: AttackedService, places: readonly Place[]): Promise<Observation["plugin"][]> {
  return await Promise.all(places.map(async ({ attackerId }) => {
    const { state, reason } = await service.plugin(attackerId);
    return { state, reason };
  }));
}

async function play(service: AttackedService, place: Place, outbox: Outbox, canaryPort: number): Promise<Played> {
  const { attack: { bounds, event, outcome }, token } = place;
  const sent = { ...event.properties, canary_port: canaryPort };
  const attacks: Observation["attacks"] = [];
  const uuids = Array.from({ length: bounds.repeat }, () => crypto.randomUUID());
  // An earlier attack may have killed the service.
  if (service.alive()) { for (const uuid of uuids) await service.post(token, { ...event, uuid, properties: sent }); }
  const sentAt = performance.now();
  const waitForAll = async (patience: number) => {
    for (const uuid of uuids) {
      const out = await outbox.waitFor(uuid, sentAt + patience, sentAt);
      attacks.push(out === null ? null : { ...out, failed: hasFailed(out.event, place) });
    }
  };
  // A repeated attack may cost a restart each time.
  const patience = bounds.call_timeout_ms + bounds.grace_ms + (uuids.length > 1 ? bounds.recover_ms : 0);
  const isDropped = outcome === "dropped";
  if (!isDropped) await waitForAll(patience);
  const { recoverMs, normalFailures } = await recover(service, place, outbox);
  // A normal event of the same person cannot have overtaken the attack's.
  if (isDropped) await waitForAll(0);
  const counts = { sent: uuids.length + normalFailures + (recoverMs === null ? 0 : 1), out: 0 };
  return { attacks, sent, counts, recoverMs, normalFailures };
}

/** Sends normal events, each after the one before came out, until one was processed. */
async function recover(
  service: AttackedService,
  place: Place,
  outbox: Outbox,
): Promise<{ recoverMs: number | null; normalFailures: number }> {
  const { attack: { bounds, event }, token } = place;
  const start = performance.now();
  const deadline = start + bounds.recover_ms;
  let normalFailures = 0;
  while (performance.now() < deadline && service.alive()) {
    const uuid = crypto.randomUUID();
    await service.post(token, { ...event, event: "normal", uuid });
    const out = await outbox.waitFor(uuid, deadline, start);
    if (out !== null && !hasFailed(out.event, place)) return { recoverMs: out.tookMs, normalFailures };
    normalFailures++;
  }
  return { recoverMs: null, normalFailures };
}

function hasFailed({ properties }: OutEvent, { attackerId }: Place): boolean {
  const failed = properties["$plugins_failed"];
  return Array.isArray(failed) && failed.some((mark) => String(mark).includes(`(${attackerId})`));
}
