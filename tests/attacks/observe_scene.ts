/**
 * Plays a scene against a service of its own and notes what comes out. Judges nothing.
 * @module
 */

import { type OutEvent, startAttackedService } from "./attacked_service.ts";
import { startCanary } from "./canary.ts";
import { serveNames } from "./name_server.ts";
import { killChild } from "../kit/servers/kill_child.ts";
import type { Scene } from "./scene.ts";

export interface SceneObservation {
  /** Of the sent events in their order, what came out; null for one that did not. */
  sent: (Pick<OutEvent, "event" | "properties"> | null)[];
  /** Events that came out besides. */
  others: number;
  /** Where connections that the canary took led to. */
  reached: { hostname: string; port: number }[];
  hostAlive: boolean;
  hostGrowthMb: number;
  /** Of the plugins, by their ids: `disabled: <reason>`. */
  states: Record<number, string>;
}

/** The same every time, so that two plays of a scene can be compared. */
const CANARY_PORT = 47_110;

const PROJECT = 2;
const TOKEN = "phc_scene";
const POLL_MS = 50;
const PROGRAM_START_MS = 500;

export async function observeScene(scene: Scene): Promise<SceneObservation> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_scene_" });
  using _names = await serveNamesOf(scene, folder);
  using canary = startCanary(CANARY_PORT);
  const { plugins, destinations } = scene;
  await using service = await startAttackedService(folder, {
    projects: [{ id: PROJECT, name: "scene", token: TOKEN, plugins, destinations }],
  });
  const before = service.hostRssMb();
  const uuids: string[] = [];
  for (const event of scene.events) {
    const uuid = crypto.randomUUID();
    uuids.push(uuid);
    const properties = { ...event["properties"] as object | undefined, canary_port: canary.port };
    await service.post(TOKEN, { distinct_id: "user-1", event: "attack", ...event, uuid, properties });
    await wait(scene.gapMs);
  }
  const all: OutEvent[] = [];
  let cursor = "";
  for (const until = performance.now() + scene.waitMs; performance.now() < until && service.alive();) {
    const { events, next } = await service.read(PROJECT, cursor);
    all.push(...events);
    cursor = next;
    if (!scene.full && uuids.every((uuid) => all.some((event) => event.uuid === uuid))) break;
    await wait(POLL_MS);
  }
  const states = await Promise.all(plugins.map(async ({ id }) => {
    const { state, reason } = await service.plugin(id);
    return [id, reason === null ? state : `${state}: ${reason}`] as const;
  }));
  const observation: SceneObservation = {
    sent: uuids.map((uuid) => {
      const out = all.find((event) => event.uuid === uuid);
      return out === undefined ? null : { event: out.event, properties: out.properties };
    }),
    others: all.filter(({ uuid }) => !uuids.includes(uuid)).length,
    reached: canary.reached.map(({ hostname, port }) => ({ hostname, port })),
    hostAlive: service.alive(),
    hostGrowthMb: service.hostRssMb() - before,
    states: Object.fromEntries(states),
  };
  await service.stop();
  await Deno.remove(folder, { recursive: true });
  return observation;
}

/** Resolves with what ends it. */
async function serveNamesOf({ names, nameProgram }: Scene, folder: string): Promise<Disposable> {
  if (nameProgram === null) {
    await serveNames(names);
    return { [Symbol.dispose]() {} };
  }
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const program = new Deno.Command("python3", { args: [nameProgram], cwd: folder, ...quiet }).spawn();
  await wait(PROGRAM_START_MS);
  return { [Symbol.dispose]: () => killChild(program) };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
