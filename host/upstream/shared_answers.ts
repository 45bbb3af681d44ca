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
/** An answer that was kept a moment ago is not written again. */
const KEEP_EVERY_MS = 30_000;
/** Paths of which the time is remembered. */
const MOST_REMEMBERED = 1_000;

export interface SharedAnswers {
  /** The answer, read and kept when it is good; `swap` changes its text. Rejects with UpstreamError when it breaks off. */
  pass(request: Request, key: string, answer: Response, swap: (text: string) => string): Promise<Response>;
  /** The last good answer that this client can read, or null. */
  find(request: Request, key: string): Promise<Response | null>;
}

export function createSharedAnswers(cache: StaleCache, now: () => number = Date.now): SharedAnswers {
  const keptAt = new Map<string, number>();

  /** Whether it is time to write what has this key. */
  function isDue(key: string): boolean {
    if (now() - (keptAt.get(key) ?? -Infinity) < KEEP_EVERY_MS) return false;
    if (keptAt.size >= MOST_REMEMBERED) keptAt.clear();
    keptAt.set(key, now());
    return true;
  }

  return {
    async pass(request, key, answer, swap) {
      if (request.method !== "GET" || answer.status !== 200 || answer.body === null) return answer;
      const headers = new Headers(answer.headers);
      const encoding = headers.get("content-encoding") ?? "";
      const read = await readUpTo(answer.body, MOST_KEPT_BYTES).catch((cause) => {
        throw new UpstreamError("unreachable", `Cannot read an answer to its end: ${cause.message}`, { cause });
      });
      if (read instanceof ReadableStream) return new Response(read, answer);
      let bytes = read;
      if (encoding === "" && /json|javascript|text/.test(headers.get("content-type") ?? "")) {
        const text = new TextDecoder().decode(bytes);
        const swapped = swap(text);
        if (swapped !== text) bytes = new TextEncoder().encode(swapped);
      }
      headers.set("content-length", String(bytes.byteLength));
      const isPrivate = /\b(?:private|no-store)\b/i.test(headers.get("cache-control") ?? "");
      const place = `${key} ${encoding}`;
      if (!isPrivate && (encoding === "" || ENCODINGS.includes(encoding)) && isDue(place)) {
        await cache.keep(place, { headers: [...headers].filter(([name]) => !NOT_KEPT.includes(name)), body: bytes });
      }
      return new Response(bytes, { status: 200, headers });
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
