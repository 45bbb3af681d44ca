/**
 * Letting pages of any origin send events, and read the answer.
 * @module
 */

/** Headers that pages may send besides the simple ones: tracing tools add the last two to every request. */
const ALWAYS_ALLOWED = ["X-Requested-With", "Content-Type"];
const ALLOWED_ON_REQUEST = ["traceparent", "request-id"];
/** The newer endpoint takes its token and its facts about the request in headers. */
const ALLOWED_ON_V1 = ["authorization", "content-encoding"];
const V1_PREFIX = "posthog-";

/** Adds the CORS headers to the answer, when the request came from a page. `v1` allows the headers of `/i/v1` besides. */
export function addCorsHeaders(headers: Headers, request: Request, v1 = false): void {
  const origin = request.headers.get("origin");
  if (origin === null) return;
  const requested = (request.headers.get("access-control-request-headers") ?? "").split(",")
    .map((name) => name.trim().toLowerCase());
  const allowed = requested.filter((name) =>
    ALLOWED_ON_REQUEST.includes(name) || v1 && (ALLOWED_ON_V1.includes(name) || name.startsWith(V1_PREFIX))
  );
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Allow-Credentials", "true");
  headers.set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  headers.set("Access-Control-Allow-Headers", [...ALWAYS_ALLOWED, ...allowed].join(","));
  headers.set("Access-Control-Expose-Headers", "Retry-After");
  headers.append("Vary", "Origin");
}
