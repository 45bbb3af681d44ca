/**
 * Keeps a list of the readers that have a place (a cursor) in the log, because the log cannot list its readers. The
 * list is in the store, so that the places of consumers that were removed while the service was not running are given
 * up too.
 *
 * Each host keeps a list of its own. On a log that several hosts share, a host gives up a place that it had listed and
 * no longer wants, unless another host still wants it: during a rolling change, hosts have different configurations.
 * @module
 */

import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { EventLog } from "../log/event_log.ts";
import { hostIdsIn } from "../store/host_reports.ts";
import type { Store } from "../store/store.ts";
import { pausedKey } from "./consumer.ts";
import { replayKey } from "./replay.ts";

export interface ConsumerRef {
  id: string;
  project: number;
}

export interface PlacesOptions {
  log: EventLog;
  store: Pick<Store, "settings">;
  clock: Clock;
  /** Null if no other host uses the log. */
  hostId: string | null;
}

/** `idleSince` is the time since which the place has only been reserved; null for a consumer that is running. */
const knownSchema = z.array(z.object({ id: z.string(), project: z.number(), idleSince: z.number().nullable() }));
type Known = z.infer<typeof knownSchema>[number];

/** The key of a host's list in the store. If there are several hosts, the host's id is appended. */
const KNOWN_KEY = "consumers";
const RESERVE_MS = 24 * 3_600_000;

/** Lists the present places, and gives up those that nobody wants before it forgets who had them. */
export async function keepPlaces(run: ConsumerRef[], reserve: ConsumerRef[], options: PlacesOptions): Promise<void> {
  const { log, store, clock, hostId } = options;
  const key = hostId === null ? KNOWN_KEY : keyOf(hostId);
  const now = clock.now();
  const text = await store.settings.get(key);
  const known = read(text);
  const knownByName = byName(known);
  const wanted: Known[] = [
    ...run.map(({ id, project }) => ({ id, project, idleSince: null })),
    ...reserve.map(({ id, project }) => {
      return { id, project, idleSince: knownByName.get(nameOf({ id, project }))?.idleSince ?? now };
    }),
  ];
  const isHeld = ({ idleSince }: Known) => idleSince === null || now - idleSince < RESERVE_MS;
  const held = wanted.filter(isHeld);
  const heldByName = byName(held);
  const released = known.filter((ref) => !heldByName.has(nameOf(ref)));
  await remember([...wanted, ...released], text);
  for (const { id, project } of held) await log.register("outbox", project, id, "latest");
  const others = byName(
    released.length === 0 || hostId === null ? [] : (await notedByOthers(store.settings, hostId)).filter(isHeld),
  );
  const wantedByName = byName(wanted);
  for (const { id, project } of released) {
    const name = nameOf({ id, project });
    if (others.has(name)) continue;
    await log.forget("outbox", project, id);
    if (wantedByName.has(name)) continue;
    await store.settings.del(pausedKey(id));
    await store.settings.del(replayKey(id));
  }
  await remember(wanted, null);

  async function remember(refs: Known[], before: string | null): Promise<void> {
    const text = JSON.stringify([...byName(refs).values()]);
    if (text !== before) await store.settings.set(key, text);
  }
}

/** What the other hosts have listed, except those that are gone. */
async function notedByOthers(settings: Store["settings"], hostId: string): Promise<Known[]> {
  const [here, noted] = [await hostIdsIn(settings), await settings.list(keyOf(""))];
  return Object.entries(noted).flatMap(([key, text]) => {
    const id = key.slice(keyOf("").length);
    return id !== hostId && here.has(id) ? read(text) : [];
  });
}

function keyOf(hostId: string): string {
  return `${KNOWN_KEY}:${hostId}`;
}

function read(text: string | null): Known[] {
  return text === null ? [] : knownSchema.parse(JSON.parse(text));
}

/** Of two with the same name the later one. */
function byName(refs: Known[]): Map<string, Known> {
  return new Map(refs.map((ref) => [nameOf(ref), ref]));
}

function nameOf({ id, project }: ConsumerRef): string {
  return `${project} ${id}`;
}
