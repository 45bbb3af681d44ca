/**
 * attacks.json as read from any folder: one attack per entry, with the bounds that apply to it.
 *
 *     "id", "dir"           name, and folder of the plugin beside the file
 *     "outcome"             one of OUTCOMES; judge_attack.ts says what each asks for
 *     "event"               fields of the event that is sent, besides those of the defaults
 *     "repeat"              how often
 *     "expect_properties"   what the event must have for "ok"
 *     "egress", "config"    of the attack's plugin config, as in hogpen.json
 *     "names"               what names resolve to, in turn; see name_server.ts
 *     "max_events"          how many events may come out of its project, those that were sent included
 *     "alone"               true for an attack that guesses ids: no others are played against the same service
 *     any bound of the defaults, for this attack; alone, too, if it is one of the whole service
 *
 * Attacks that take several plugins are scenes (scene.ts) and need no entry.
 * @module
 */

import { join } from "node:path";
import { z } from "zod";
import type { Names } from "./name_server.ts";

/** The outcomes that the runner can judge. */
export const OUTCOMES = [
  "blocked",
  "contained",
  "recovers",
  "tolerated",
  "load_error",
  "load_error_or_failed",
  "passes_through",
  "no_forgery",
  "isolated",
  "no_secret",
  "no_canary",
  "dropped",
  "any_ok_or_failed",
  "leak",
  "ok",
  "ok_then_stop",
] as const;
export type AttackOutcome = typeof OUTCOMES[number];

const bounds = {
  call_timeout_ms: z.number(),
  load_timeout_ms: z.number(),
  grace_ms: z.number(),
  recover_ms: z.number(),
  bystander_max_latency_ms: z.number(),
  bystander_min_ok_ratio: z.number(),
  max_host_rss_growth_mb: z.number(),
  max_tree_rss_growth_mb: z.number(),
  max_idle_cpu_ms_per_s: z.number(),
  stop_within_ms: z.number().default(15_000),
  max_failures: z.number().default(6),
  repeat: z.int().min(1).default(1),
  max_events: z.int().optional(),
};

/** Bounds of what is seen of the whole service, so that attacks that are played together must have the same. */
const OF_THE_SERVICE = [
  "bystander_max_latency_ms",
  "bystander_min_ok_ratio",
  "max_host_rss_growth_mb",
  "max_tree_rss_growth_mb",
  "max_idle_cpu_ms_per_s",
] as const;

const eventFields = z.looseObject({ event: z.string(), properties: z.record(z.string(), z.unknown()).default({}) });

const setSchema = z.looseObject({
  defaults: z.looseObject({ ...bounds, event: eventFields }),
  attacks: z.array(
    z.looseObject({
      id: z.string(),
      dir: z.string(),
      category: z.string().default(""),
      outcome: z.enum(OUTCOMES),
      expect_properties: z.record(z.string(), z.unknown()).default({}),
      event: z.record(z.string(), z.unknown()).optional(),
      egress: z.record(z.string(), z.unknown()).default({}),
      config: z.record(z.string(), z.unknown()).default({}),
      names: z.record(z.string(), z.array(z.string())).default({}),
      alone: z.boolean().default(false),
    }),
  ),
});

/** Limits of one attack: its own where it has them, else the defaults. */
export type Bounds = { [Name in Exclude<keyof typeof bounds, "max_events">]: number } & {
  max_events?: number | undefined;
};

export interface Attack {
  id: string;
  /** Folder of the plugin. */
  folder: string;
  /** Folder of the plugin that runs behind it. */
  observer: string;
  outcome: AttackOutcome;
  bounds: Bounds;
  event: { event: string; properties: Record<string, unknown>; [field: string]: unknown };
  expectProperties: Record<string, unknown>;
  egress: Record<string, unknown>;
  config: Record<string, unknown>;
  names: Names;
  /** Needs a service of its own, because what it is judged by or what it guesses is not the same for others. */
  isAlone: boolean;
}

/** Attacks whose ids start with one of the prefixes; all when there are none. */
export async function readAttackSet(folder: string, prefixes: string[]): Promise<Attack[]> {
  const { defaults, attacks } = setSchema.parse(JSON.parse(await Deno.readTextFile(join(folder, "attacks.json"))));
  return attacks
    .filter(({ id }) => prefixes.length === 0 || prefixes.some((prefix) => id.startsWith(prefix)))
    .map((attack) => {
      const own = z.object(bounds).partial().parse(attack);
      const set = Object.fromEntries(Object.entries(own).filter(([name]) => name in attack));
      return {
        id: attack.id,
        folder: join(folder, attack.dir),
        observer: join(folder, "_helpers", "observer"),
        outcome: attack.outcome,
        bounds: { ...z.object(bounds).parse(defaults), ...set },
        event: eventFields.parse({ ...defaults.event, ...attack.event }),
        expectProperties: attack.expect_properties,
        egress: attack.egress,
        config: attack.config,
        names: attack.names,
        isAlone: attack.alone || OF_THE_SERVICE.some((name) => (set[name] ?? defaults[name]) !== defaults[name]),
      };
    });
}
