/**
 * Remote configuration and scripts, which are the same for everybody who asks with a token: the last good answer is kept, and served when
 * the upstream has none.
 * @module
 */

import { addCorsHeaders } from "../capture/cors.ts";
import { UpstreamError } from "./forward.ts";
import { readUpTo } from "./read_up_to.ts";
import { MOST_KEPT_BYTES, type StaleCache } from "./stale_cache.ts";

/** Packings that a kept answer may have; it is served to those who take the same. */
const ENCODINGS = ["br", "gzip", "zstd", "deflate"];
/** Of one person, or of the connection that it came by. */
const NOT_KEPT = ["set-cookie", "age", "date", "connection", "alt-svc"];
/** An answer that was kept a moment ago is passed on without being read. */
const KEEP_EVERY_MS = 30_000;
/** Paths of which the time is remembered, and bytes that are read at a time: beyond, answers are only passed on. */
const MOST_REMEMBERED = 1_000;
const MOST_HELD_BYTES = 32 * 1024 * 1024;

export interface SharedAnswers {
  /** The answer, kept when it is good. Rejects with UpstreamError when it breaks off while it is read for that. */
  pass(request: Request, key: string, answer: Response): Promise<Response>;
  /** The last good answer that this client can read, or null. */
  find(request: Request, key: string): Promise<Response | null>;
}

export function createSharedAnswers(cache: StaleCache, now: () => number = Date.now): SharedAnswers {
  const keptAt = new Map<string, number>();
  let heldBytes = 0;

  /** Where the answer is to be kept; null when it is not, or not yet again. */
  function placeOf(key: string, headers: Headers): string | null {
    const encoding = headers.get("content-encoding") ?? "";
    if (encoding !== "" && !ENCODINGS.includes(encoding)) return null;
    if (/\b(?:private|no-store)\b/i.test(headers.get("cache-control") ?? "")) return null;
    const place = `${key} ${encoding}`;
    if (now() - (keptAt.get(place) ?? -Infinity) < KEEP_EVERY_MS) return null;
    if (keptAt.size >= MOST_REMEMBERED) keptAt.clear();
    keptAt.set(place, now());
    return place;
  }

  /** The whole body; a stream of it when it is larger than what is kept, or when too many are read already. */
  async function hold(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    if (heldBytes + MOST_KEPT_BYTES > MOST_HELD_BYTES) return body;
    heldBytes += MOST_KEPT_BYTES;
    try {
      return await readUpTo(body, MOST_KEPT_BYTES);
    } catch (cause) {
      throw new UpstreamError("unreachable", `Cannot read an answer to its end: ${(cause as Error).message}`, {
        cause,
      });
    } finally {
      heldBytes -= MOST_KEPT_BYTES;
    }
  }

  return {
    async pass(request, key, answer) {
      if (request.method !== "GET" || answer.status !== 200 || answer.body === null) return answer;
      const place = placeOf(key, answer.headers);
      if (place === null) return answer;
      const held = await hold(answer.body);
      if (held instanceof ReadableStream) return new Response(held, answer);
      const headers = [...answer.headers].filter(([name]) => !NOT_KEPT.includes(name));
      await cache.keep(place, { headers, body: held });
      return new Response(held, { status: 200, headers: answer.headers });
    },
    async find(request, key) {
      if (request.method !== "GET") return null;
      const accepted = request.headers.get("accept-encoding") ?? "";
      for (const encoding of [...ENCODINGS.filter((name) => accepted.includes(name)), ""]) {
        const kept = await cache.find(`${key} ${encoding}`);
        if (kept === null) continue;
        const answer = new Response(kept.body, { status: 200, headers: kept.headers });
        answer.headers.set("warning", '110 - "Response is Stale"');
        // Those of the page that it was kept for would not do for another one.
        addCorsHeaders(answer.headers, request);
        return answer;
      }
      return null;
    },
  };
}
