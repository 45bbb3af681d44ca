/**
 * How far routing has come in one partition of the inbox: up to an offset for all projects, except for those whose
 * plugins still hold events back. Each transaction of the router writes it together with its records for the outbox, so
 * that the next owner of the partition continues exactly there.
 * @module
 */

import { z } from "zod";
import type { PlacedRecord } from "../reading/record_codec.ts";

const storedSchema = z.object({
  /** The host that wrote it. */
  host: z.string(),
  /** Kafka's id of the inbox that the offsets are of: one that is made anew has another. */
  inbox: z.string().optional(),
  /** Everything before this offset is done, except for `behind`. */
  end: z.number(),
  /** By project, the offsets of its next record and of its newest one below `end`. */
  behind: z.record(z.string(), z.tuple([z.number(), z.number()])),
});

export type StoredProgress = z.infer<typeof storedSchema>;

/** Undefined for anything that is not a progress. */
export function parseProgress(value: Uint8Array): StoredProgress | undefined {
  try {
    return storedSchema.safeParse(JSON.parse(new TextDecoder().decode(value))).data;
  } catch {
    return undefined;
  }
}

export class RoutingProgress {
  /** The offset after the last record that arrived. */
  end: number;
  /** By project with work left, the offsets of its next record and of its newest one. */
  readonly #behind = new Map<number, [next: number, newest: number]>();

  readonly #inbox: string;

  /** @param inbox Kafka's id of the inbox */
  constructor(inbox: string, stored: Pick<StoredProgress, "end" | "behind">) {
    this.#inbox = inbox;
    this.end = stored.end;
    for (const [project, place] of Object.entries(stored.behind)) this.#behind.set(Number(project), place);
  }

  arrived(records: PlacedRecord[]): void {
    for (const { project, offset } of records) {
      const place = this.#behind.get(project);
      if (place) place[1] = offset;
      else this.#behind.set(project, [offset, offset]);
      this.end = offset + 1;
    }
  }

  /** The offset of the project's next record, as far as known. */
  next(project: number): number {
    return this.#behind.get(project)?.[0] ?? this.end;
  }

  /** What the progress will be once the projects have reached these offsets. */
  after(host: string, steps: ReadonlyMap<number, number>): StoredProgress {
    const behind: StoredProgress["behind"] = {};
    for (const [project, [next, newest]] of this.#behind) {
      const to = Math.max(next, steps.get(project) ?? 0);
      if (to <= newest) behind[project] = [to, newest];
    }
    return { host, inbox: this.#inbox, end: this.end, behind };
  }

  /** Records that the project has reached the offset. */
  stepped(project: number, next: number): void {
    const place = this.#behind.get(project);
    if (place === undefined || next <= place[0]) return;
    if (next > place[1]) this.#behind.delete(project);
    else place[0] = next;
  }
}

/** A partition of the inbox as it is now. */
export interface InboxPartition {
  /** Kafka's id of the topic. */
  id: string;
  /** The offset of the oldest record that is kept, and the one after the newest. */
  first: number;
  end: number;
}

/**
 * Where routing goes on. `lost` says that it is not where the last owner left off, because the topic was made anew, or
 * has lost its end.
 */
export function resumeRouting(
  stored: StoredProgress | null,
  { id, first, end }: InboxPartition,
): { progress: RoutingProgress; lost: boolean } {
  const madeAnew = stored?.inbox !== undefined && stored.inbox !== id;
  if (stored === null || madeAnew) {
    return { progress: new RoutingProgress(id, { end: first, behind: {} }), lost: madeAnew };
  }
  if (stored.end <= end) return { progress: new RoutingProgress(id, stored), lost: false };
  const left = Object.entries(stored.behind).filter(([, [next]]) => next < end);
  const behind = Object.fromEntries(
    left.map(([project, [next, newest]]) => [project, [next, Math.min(newest, end - 1)] as [number, number]]),
  );
  return { progress: new RoutingProgress(id, { end, behind }), lost: true };
}
