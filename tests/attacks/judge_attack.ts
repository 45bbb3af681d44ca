/**
 * Whether what was seen is what the attack's outcome says: every reason why not, in words.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { Attack, AttackOutcome } from "./attack_set.ts";
import type { Observation } from "./observe_attack.ts";

/** What the service and the observer add to an event by themselves. */
const ADDED = /^\$(?:observer|plugins_succeeded|plugins_failed|plugins_deferred|ip|set|set_once)$/;

/** Empty when the attack met its outcome. */
export function judgeAttack(attack: Attack, seen: Observation): string[] {
  return [...judgeHost(attack, seen), ...RULES[attack.outcome](attack, seen)];
}

/** What no attack may do, whatever it is for. */
function judgeHost({ bounds }: Attack, seen: Observation): string[] {
  const { bystanders, counts } = seen;
  const maxEvents = bounds.max_events ?? counts.sent * (1 + CAPTURED_PER_EVENT) + CAPTURED_WITHOUT_CAUSE;
  return faults([
    [!seen.hostAlive, "the host died"],
    [seen.canaryConnections > 0, `${seen.canaryConnections} connections reached the canary`],
    [seen.secretLeaked, "a secret came out in an event"],
    [bystanders.sent === 0, "no bystander was sent"],
    [
      bystanders.ok < bystanders.sent * bounds.bystander_min_ok_ratio,
      `${bystanders.sent - bystanders.ok} of ${bystanders.sent} bystanders lost or not clean`,
    ],
    [bystanders.worstMs > bounds.bystander_max_latency_ms, `a bystander took ${Math.round(bystanders.worstMs)} ms`],
    [seen.hostGrowthMb > bounds.max_host_rss_growth_mb, `the host grew by ${Math.round(seen.hostGrowthMb)} MB`],
    [seen.treeGrowthMb > bounds.max_tree_rss_growth_mb, `all processes grew by ${Math.round(seen.treeGrowthMb)} MB`],
    [seen.idleCpuMs > bounds.max_idle_cpu_ms_per_s, `${Math.round(seen.idleCpuMs)} ms of CPU in an idle second`],
    [seen.stop.left > 0, `${seen.stop.left} processes left after the stop`],
    [seen.forged, "a forged event came out"],
    [counts.out > maxEvents, `${counts.out} events came out of ${counts.sent}, expected at most ${maxEvents}`],
  ]);
}

/** What a plugin may capture: see docs/LIMITS.md. */
const CAPTURED_PER_EVENT = 100;
const CAPTURED_WITHOUT_CAUSE = 100;

/** How long a service takes to start, on a slow machine, besides what a plugin makes it wait. */
const SERVICE_START_MS = 5_000;

const RULES: Record<AttackOutcome, (attack: Attack, seen: Observation) => string[]> = {
  blocked: (attack, seen) => {
    if (seen.loadFailed) return [...cameOut(attack, seen), ...unmodified(seen)];
    if (seen.attacks.every((out) => out?.failed)) return unmodified(seen);
    const reached = seen.attacks.flatMap((out) => Object.entries(asRecord(out?.event.properties["$probe"])))
      .filter(([, value]) => !String(value).startsWith("blocked"))
      .map(([name, value]) => `${name} ${value}`);
    const answered = seen.attacks.every((out) => out?.event.properties["$probe"] !== undefined);
    return [
      ...cameOut(attack, seen),
      ...reached,
      ...faults([[!answered, "no probe came out and no failure was recorded"]]),
    ];
  },
  contained: (attack, seen) => [
    ...cameOut(attack, seen),
    ...unmodified(seen),
    ...faults([[seen.attacks.some((out) => out !== null && !out.failed), "no failure was recorded"]]),
    ...recovered(seen),
  ],
  recovers: (attack, seen) => [
    ...cameOut(attack, seen),
    ...recovered(seen),
    ...faults([[seen.normalFailures > 1, `${seen.normalFailures} normal events failed`]]),
  ],
  tolerated: (attack, seen) => [...cameOut(attack, seen), ...recovered(seen)],
  load_error: (attack, seen) => [
    ...faults([
      [!seen.loadFailed, `loading did not fail; the plugin is ${seen.plugin?.state}`],
      [
        seen.startMs > attack.bounds.load_timeout_ms + attack.bounds.grace_ms + SERVICE_START_MS,
        `the failure took ${Math.round(seen.startMs)} ms`,
      ],
    ]),
    ...cameOut(attack, seen),
    ...unmodified(seen),
    ...clean(seen),
  ],
  load_error_or_failed: (attack, seen) => [
    ...cameOut(attack, seen),
    ...unmodified(seen),
    ...faults([[!seen.loadFailed && seen.attacks.some((out) => !out?.failed), "neither load error nor failure"]]),
  ],
  passes_through: (attack, seen) => [...cameOut(attack, seen), ...unmodified(seen), ...noFailure(seen)],
  no_forgery: (attack, seen) => cameOut(attack, seen),
  isolated: (attack, seen) => [...cameOut(attack, seen), ...clean(seen)],
  no_secret: (attack, seen) => [
    ...cameOut(attack, seen),
    ...seen.attacks.flatMap((out) => {
      const found = out?.event.properties["found"];
      return faults([[Array.isArray(found) && found.length > 0, `found ${JSON.stringify(found)}`]]);
    }),
  ],
  no_canary: (attack, seen) => [
    ...cameOut(attack, seen),
    ...seen.attacks.flatMap((out) => Object.entries(asRecord(out?.event.properties["out"])))
      .filter(([, value]) => String(value).startsWith("reached"))
      .map(([name, value]) => `${name} ${value}`),
  ],
  dropped: (_attack, seen) => faults([[seen.attacks.some((out) => out !== null), "the event came out"]]),
  any_ok_or_failed: (attack, seen) => [...cameOut(attack, seen), ...clean(seen)],
  leak: (attack, seen) => {
    const failures = seen.attacks.filter((out) => out?.failed).length;
    return [
      ...cameOut(attack, seen),
      ...faults([[failures > attack.bounds.max_failures, `${failures} events failed`]]),
    ];
  },
  ok: (attack, seen) => succeeded(attack, seen),
  ok_then_stop: (attack, seen) => [
    ...succeeded(attack, seen),
    ...faults([[
      seen.stop.tookMs > attack.bounds.stop_within_ms,
      `the stop took ${Math.round(seen.stop.tookMs)} ms`,
    ]]),
  ],
};

function succeeded(attack: Attack, seen: Observation): string[] {
  const wrong = seen.attacks.flatMap((out) =>
    Object.entries(attack.expectProperties)
      .filter(([name, value]) => out !== null && !isDeepStrictEqual(out.event.properties[name], value))
      .map(([name, value]) =>
        `${name} is ${JSON.stringify(out?.event.properties[name])}, expected ${JSON.stringify(value)}`
      )
  );
  return [...cameOut(attack, seen), ...noFailure(seen), ...wrong];
}

function cameOut({ bounds }: Attack, seen: Observation): string[] {
  const missing = seen.attacks.filter((out) => out === null).length;
  const text = `${missing} of ${seen.attacks.length} events did not come out within ${
    bounds.call_timeout_ms + bounds.grace_ms
  } ms`;
  return faults([[missing > 0, text]]);
}

function unmodified(seen: Observation): string[] {
  return seen.attacks.flatMap((out) => {
    if (out === null) return [];
    const { properties } = out.event;
    const changed = Object.keys({ ...properties, ...seen.sent })
      .filter((name) => !ADDED.test(name) && !isDeepStrictEqual(properties[name], seen.sent[name]));
    return faults([[changed.length > 0, `the event was modified: ${changed.join(", ")}`]]);
  });
}

function clean(seen: Observation): string[] {
  const notes = seen.attacks.filter((out) => out !== null).map((out) => out.event.properties["$observer"]);
  return notes.filter((note) => note !== "clean").map((note) => `the observer saw: ${note}`);
}

function noFailure(seen: Observation): string[] {
  return faults([
    [seen.attacks.some((out) => out?.failed), "a failure was recorded"],
    [seen.loadFailed, `the plugin was disabled: ${seen.plugin?.reason}`],
  ]);
}

function recovered(seen: Observation): string[] {
  return faults([[
    seen.recoverMs === null,
    `no normal event was processed (${seen.plugin?.state}: ${seen.plugin?.reason})`,
  ]]);
}

function faults(rules: [boolean, string][]): string[] {
  return rules.filter(([broken]) => broken).map(([, words]) => words);
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
