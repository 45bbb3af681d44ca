/**
 * Whether the plugins of a scene did what they may: every reason why not, in words.
 * @module
 */

import { createEgressRules } from "../../sandbox/walls/egress_rules.ts";
import type { SceneObservation } from "./observe_scene.ts";
import type { Scene } from "./scene.ts";

const MAX_HOST_GROWTH_MB = 150;
/** What is made of chance or of the time. */
const CHANCE = /[A-Za-z0-9+/%_=-]{16,}|\d+/g;

/**
 * @param apart the same scene with a cell for each plugin, played twice; empty when its plugins share none. What
 * differs between the two is chance, and not compared to the letter.
 */
export function judgeScene(scene: Scene, seen: SceneObservation, apart: SceneObservation[]): string[] {
  const [first] = apart;
  const connections = first?.reached.length ?? Infinity;
  return [
    ...faults([
      [!seen.hostAlive, "the host died"],
      [seen.hostGrowthMb > MAX_HOST_GROWTH_MB, `the host grew by ${Math.round(seen.hostGrowthMb)} MB`],
      [seen.sent.includes(null), "an event did not come out"],
      [
        seen.reached.length > connections,
        `${seen.reached.length} connections reached the canary, apart ${connections}`,
      ],
      [
        first !== undefined && seen.others !== first.others,
        `${seen.others} other events came out, apart ${first?.others}`,
      ],
    ]),
    ...lacking(scene, seen),
    ...notOpened(scene, seen),
    ...(first === undefined ? [] : compare(seen, first, apart[1] ?? first)),
  ];
}

/** What a shared cell changed. */
function compare(seen: SceneObservation, ...apart: [SceneObservation, SceneObservation]): string[] {
  const [shared, one, another] = [seen, ...apart].map(({ sent, states }) => leavesOf({ sent, states })) as [
    Leaves,
    Leaves,
    Leaves,
  ];
  const places = new Set([shared, one, another].flatMap((leaves) => [...leaves.keys()]));
  return [...places].filter((place) => {
    const values = [shared, one, another].map((leaves) => leaves.get(place));
    const [value, ...expected] = expectedSame(values) ? values : values.map((each) => each?.replace(CHANCE, "#"));
    return !expected.includes(value);
  }).map((place) =>
    `in one cell ${place} is ${shared.get(place)?.slice(0, 200)}, apart ${one.get(place)?.slice(0, 200)}`
  );
}

function expectedSame([, one, another]: (string | undefined)[]): boolean {
  return one === another;
}

type Leaves = Map<string, string>;

/** Every value that holds no other, as JSON, by its path. */
function leavesOf(value: unknown, path = "", leaves: Leaves = new Map()): Leaves {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return leaves.set(path, JSON.stringify(value) ?? "undefined");
  }
  for (const [key, each] of Object.entries(value)) leavesOf(each, `${path}.${key}`, leaves);
  return leaves;
}

function lacking({ has }: Scene, { sent, states }: SceneObservation): string[] {
  return has.filter((name) => sent.some((event) => event !== null && !(name in event.properties)))
    .map((name) => `an event lacks ${name}; the plugins: ${JSON.stringify(states)}`);
}

/** Connections that no plugin of the scene was given. */
function notOpened({ plugins }: Scene, { reached }: SceneObservation): string[] {
  const rules = plugins.map((plugin) => createEgressRules((plugin["egress"] as Egress | undefined)?.allow ?? []));
  return reached
    .filter(({ hostname, port }) =>
      !rules.some((each) => each.allowsAddress(hostname, port) || each.allowsName("localhost", port))
    )
    .map(({ hostname, port }) => `a connection reached ${hostname} port ${port}, which no plugin was given`);
}

interface Egress {
  allow?: string[];
}

function faults(rules: [boolean, string][]): string[] {
  return rules.filter(([broken]) => broken).map(([, words]) => words);
}
