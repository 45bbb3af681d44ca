/**
 * Remote configuration and scripts, which are the same for everybody who asks with the same token from the same page.
 * The last good answer is kept, and served when the upstream fails.
 * @module
 */

import { addCorsHeaders } from "../capture/cors.ts";
import { ANY_PAGE, audienceOf, pageOf } from "./audience.ts";
import { UpstreamError } from "./forward.ts";
import { readUpTo } from "./read_up_to.ts";
import { MOST_KEPT_BYTES, type StaleCache } from "./stale_cache.ts";

/** Encodings that a kept answer may have. It is served only to clients that accept the encoding. */
const ENCODINGS = ["br", "gzip", "zstd", "deflate"];
/** Headers that belong to one person or to the connection that the answer came by. */
const NOT_KEPT = ["set-cookie", "age", "date", "connection", "alt-svc"];
/** An answer that was stored less than this long ago is passed on without being stored again. */
const KEEP_EVERY_MS = 30_000;
/**
 * Bounds for the times remembered by path, and for the bytes being read at once. Beyond them, answers are only passed
 * on.
 */
const MOST_REMEMBERED = 1_000;
const MOST_HELD_BYTES = 32 * 1024 * 1024;
/** The most pages for which one answer is kept. A client that makes up pages must not push out other answers. */
const MOST_PAGES = 30;

export interface SharedAnswers {
  /**
   * Passes the answer on, and keeps it if it is good. Rejects with an UpstreamError if it breaks off while it is being
   * read.
   */
  pass(request: Request, key: string, answer: Response): Promise<Response>;
  /** The last good answer that suits the page, in an encoding that this client accepts; null without one. */
  find(request: Request, key: string): Promise<Response | null>;
}

export function createSharedAnswers(cache: StaleCache, now: () => number = Date.now): SharedAnswers {
  const keptAt = new Map<string, number>();
  const pages = new Map<string, Set<string>>();
  let heldBytes = 0;

  /** False if the answer is kept for too many other pages already. */
  function admit(key: string, page: string): boolean {
    const admitted = pages.get(key) ?? new Set();
    if (admitted.size >= MOST_PAGES && !admitted.has(page)) return false;
    pages.set(key, admitted.add(page));
    return true;
  }

  /** The key under which the answer is to be stored; null if it should not be stored, or not yet again. */
  function placeOf(key: string, { headers }: Response, request: Request): string | null {
    const encoding = headers.get("content-encoding") ?? "";
    if (encoding !== "" && !ENCODINGS.includes(encoding)) return null;
    if (/\b(?:private|no-store)\b/i.test(headers.get("cache-control") ?? "")) return null;
    const audience = audienceOf(headers, request);
    if (audience === null) return null;
    const place = placeFor(key, encoding, audience);
    if (now() - (keptAt.get(place) ?? -Infinity) < KEEP_EVERY_MS) return null;
    if (keptAt.size >= MOST_REMEMBERED) {
      keptAt.clear();
      pages.clear();
    }
    if (audience !== ANY_PAGE && !admit(key, audience)) return null;
    keptAt.set(place, now());
    return place;
  }

  /** The whole body, or a stream of it if it is too large to keep or too many bytes are being read already. */
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
      const place = placeOf(key, answer, request);
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
        for (const audience of [pageOf(request), ANY_PAGE]) {
          const kept = await cache.find(placeFor(key, encoding, audience));
          if (kept === null) continue;
          const answer = new Response(kept.body, { status: 200, headers: kept.headers });
          // It may depend on a header that the request for which it was kept did not have.
          if (audienceOf(answer.headers, request) !== audience) continue;
          answer.headers.set("warning", '110 - "Response is Stale"');
          // The CORS headers of the page for which the answer was stored would not suit another page.
          addCorsHeaders(answer.headers, request);
          return answer;
        }
      }
      return null;
    },
  };
}

function placeFor(key: string, encoding: string, audience: string): string {
  return audience === ANY_PAGE ? `${key} ${encoding}` : `${key} ${encoding} ${audience}`;
}
