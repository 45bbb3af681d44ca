/**
 * Whether the service lives, and whether what it stands on answers.
 * @module
 */

/** Something that the service needs: the store, the cache, the event log. */
export interface BackEnd {
  /** In words for the operator: "the store (Postgres)". */
  name: string;
  /** True when it answers. */
  ping(): Promise<boolean>;
}

/** A back end that does not answer for this long counts as away. */
const PATIENCE_MS = 2_000;

/** The service lives: it answers. */
export function healthResponse(): Response {
  return Response.json({ status: "ok" });
}

/** 200 when every back end answers; 503 with the names of those that do not. Events are taken in either case, while the log has room. */
export async function readyResponse(backEnds: readonly BackEnd[]): Promise<Response> {
  const answers = await Promise.all(
    backEnds.map(async (backEnd) => ({ name: backEnd.name, here: await answersInTime(backEnd) })),
  );
  const away = answers.filter(({ here }) => !here).map(({ name }) => name);
  if (away.length === 0) return Response.json({ status: "ok", away });
  return Response.json({ status: "error", away, detail: `Not ready: ${away.join(" and ")} cannot be reached` }, {
    status: 503,
  });
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
