/**
 * Whether the service is alive, and whether its back ends answer.
 * @module
 */

/** A part that the service depends on: the store, the cache or the event log. */
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
 * 200 when every back end answers; 503 with the names of those that do not. Events are accepted in either case, while
 * the log has room.
 */
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
