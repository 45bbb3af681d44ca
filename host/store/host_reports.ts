/**
 * The hosts that share a store: each reports how it is, and any of them can list all.
 * @module
 */

import { z } from "zod";
import type { Settings } from "./store.ts";

const reportSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  version: z.string(),
  startedAt: z.number(),
  /** Milliseconds since the epoch, by the host's own clock. */
  seenAt: z.number(),
  revision: z.string(),
  /** Null where the event log is the host's own. */
  partitions: z.object({ inbox: z.array(z.number()), outbox: z.array(z.number()) }).nullable(),
  lag: z.object({ events: z.number(), seconds: z.number() }),
});

/**
 * `revision` names the configuration that the host has applied: hosts with the same one run the same. `lag` is that of
 * its slowest consumer.
 */
export type HostReport = z.infer<typeof reportSchema>;

export interface HostReports {
  /** Stores the host's own report, and drops those of hosts that have been gone for long. */
  report(): Promise<void>;
  /** All hosts, this one as it is now, by name. */
  list(): Promise<HostReport[]>;
  /** The host stops: it is not listed any more. */
  leave(): Promise<void>;
}

export interface HostReportsOptions {
  settings: Pick<Settings, "list" | "set" | "del">;
  /** How this host is now. */
  own(): Promise<HostReport>;
  now: () => number;
}

const PREFIX = "host:";
/** A host that has not reported for so long is forgotten. */
const FORGET_MS = 24 * 3_600_000;

export function createHostReports({ settings, own, now }: HostReportsOptions): HostReports {
  let left = false;

  async function read(): Promise<HostReport[]> {
    const texts = Object.values(await settings.list(PREFIX));
    // What a newer version reports may have another form.
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
      return [mine, ...others].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
    },
    async leave() {
      left = true;
      await settings.del(PREFIX + (await own()).id);
    },
  };
}
