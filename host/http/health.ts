/**
 * Whether the service is alive, and whether its back ends answer.
 * @module
 */

import type { LogShare } from "../log/event_log.ts";

/** Something that the service needs: the store, the cache, the event log. */
export interface BackEnd {
  /** A name for the operator, such as "the store (Postgres)". */
  name: string;
  /** True when it answers. */
  ping(): Promise<boolean>;
}

/** A back end that does not answer for so many milliseconds counts as unavailable. */
const PATIENCE_MS = 2_000;

/** The service is alive when it answers at all. */
export function healthResponse(): Response {
  return Response.json({ status: "ok" });
}

/**
 * 200 when every back end answers; 503 with the names of those that do not. Events are taken in either case, while the
 * log has room. A host on Kafka is ready when it has once had its part of the partitions.
 */
export async function readyResponse(backEnds: readonly BackEnd[], share: LogShare | null): Promise<Response> {
  const log: BackEnd[] = share === null ? [] : [{ name: "the event log (Kafka)", ping: share.ping }];
  const asked = [...backEnds, ...log];
  const partitions = share === null ? {} : { partitions: { ...share.owned, all: share.all } };
  const answers = await Promise.all(
    asked.map(async (backEnd) => ({ name: backEnd.name, here: await answersInTime(backEnd) })),
  );
  const away = answers.filter(({ here }) => !here).map(({ name }) => name);
  const trouble = away.length > 0
    ? `${away.join(" and ")} cannot be reached`
    : share?.settled === false
    ? "the host waits for its part of Kafka's partitions"
    : null;
  if (trouble === null) return Response.json({ status: "ok", away, ...partitions });
  return Response.json({ status: "error", away, ...partitions, detail: `Not ready: ${trouble}` }, { status: 503 });
}

async function answersInTime({ ping }: BackEnd): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), PATIENCE_MS);
  try {
    return await Promise.race([ping(), late.promise]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
