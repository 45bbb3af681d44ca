/**
 * The hosts that share a store. Each one reports its state there, and any of them can list all.
 * @module
 */

import { z } from "zod";
import type { Settings } from "./store.ts";

const reportSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Where it listens; null if it is of a version that did not say so. */
  url: z.string().nullable().default(null),
  role: z.string(),
  version: z.string(),
  startedAt: z.number(),
  /** Milliseconds since the epoch, by the host's own clock. */
  seenAt: z.number(),
  revision: z.string(),
  /** Null if the event log belongs to this host alone. */
  partitions: z.object({ inbox: z.array(z.number()), outbox: z.array(z.number()) }).nullable(),
  lag: z.object({ events: z.number(), seconds: z.number() }),
});

/**
 * `revision` identifies the configuration that the host has applied: hosts with the same revision run the same
 * configuration. `lag` is that of its slowest consumer, or of the project whose events wait longest for its plugins.
 */
export type HostReport = z.infer<typeof reportSchema>;

export interface ListedHost extends HostReport {
  /** Whether it has reported lately. Whoever is not alive owns nothing any more, whatever the report says. */
  alive: boolean;
  /** Whether it is the host that lists. */
  isSelf: boolean;
}

export interface HostReports {
  /** Stores this host's report, and removes the reports of hosts that have been gone for long. */
  report(): Promise<void>;
  /** All hosts by name, this one with its present state. */
  list(): Promise<ListedHost[]>;
  /** To be called when the host stops: it is no longer listed. */
  leave(): Promise<void>;
}

export interface HostReportsOptions {
  settings: Pick<Settings, "list" | "set" | "del">;
  /** The present state of this host. */
  own(): Promise<HostReport>;
  now: () => number;
}

const PREFIX = "host:";
/** Hosts report once a second. Their clocks may differ somewhat, and Postgres may be away for a moment. */
const ALIVE_MS = 30_000;
/** A host that has not reported for this long is removed from the list. */
const FORGET_MS = 24 * 3_600_000;

export function createHostReports({ settings, own, now }: HostReportsOptions): HostReports {
  let left = false;

  async function read(): Promise<HostReport[]> {
    const texts = Object.values(await settings.list(PREFIX));
    // A newer version may report in a different form; such a report is left out.
    return texts.flatMap((text) => reportSchema.safeParse(JSON.parse(text)).data ?? []);
  }

  return {
    async report() {
      const report = await own();
      if (left) return;
      await settings.set(PREFIX + report.id, JSON.stringify(report));
      const gone = (await read()).filter(({ seenAt }) => now() - seenAt > FORGET_MS);
      await Promise.all(gone.map(({ id }) => settings.del(PREFIX + id)));
    },
    async list() {
      const mine = await own();
      const others = (await read()).filter(({ id }) => id !== mine.id);
      return [mine, ...others].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id)).map((host) => ({
        ...host,
        alive: now() - host.seenAt < ALIVE_MS,
        isSelf: host.id === mine.id,
      }));
    },
    async leave() {
      left = true;
      await settings.del(PREFIX + (await own()).id);
    },
  };
}

/** Of so many partitions of each topic, those that no live host owns. */
export function withoutOwner(hosts: ListedHost[], all: number): { inbox: number[]; outbox: number[] } {
  const live = hosts.filter(({ alive }) => alive);
  const left = (topic: "inbox" | "outbox") => {
    const owned = new Set(live.flatMap(({ partitions }) => partitions?.[topic] ?? []));
    return Array.from({ length: all }, (_, partition) => partition).filter((partition) => !owned.has(partition));
  };
  return { inbox: left("inbox"), outbox: left("outbox") };
}

/** The ids of the hosts that have reported within a day and have not stopped since. */
export async function hostIdsIn(settings: Pick<Settings, "list">): Promise<Set<string>> {
  return new Set(Object.keys(await settings.list(PREFIX)).map((key) => key.slice(PREFIX.length)));
}
