/**
 * CORS headers that let pages of any origin send events and read the answer.
 * @module
 */

/** Headers that pages may always send. */
const ALWAYS_ALLOWED = ["X-Requested-With", "Content-Type"];

/** A header or method name as HTTP defines it. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Adds CORS headers to the answer of a request that came from a page. Whatever headers the browser asks for are
 * allowed: tracing tools add their own to every request, and a fixed list would always be out of date.
 */
export function addCorsHeaders(headers: Headers, request: Request): void {
  const origin = request.headers.get("origin");
  if (origin === null) return;
  const requested = (request.headers.get("access-control-request-headers") ?? "").split(",")
    .map((name) => name.trim()).filter((name) => TOKEN.test(name));
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Allow-Credentials", "true");
  const method = request.headers.get("access-control-request-method") ?? "";
  const methods = new Set(["GET", "POST", "OPTIONS", ...(TOKEN.test(method) ? [method] : [])]);
  headers.set("Access-Control-Allow-Methods", [...methods].join(", "));
  headers.set("Access-Control-Allow-Headers", [...new Set([...ALWAYS_ALLOWED, ...requested])].join(","));
  headers.set("Access-Control-Expose-Headers", "Retry-After");
  headers.append("Vary", "Origin");
}
