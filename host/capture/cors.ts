/**
 * Letting pages of any origin send events, and read the answer.
 * @module
 */

/** Headers that pages may send whether or not they ask. */
const ALWAYS_ALLOWED = ["X-Requested-With", "Content-Type"];

/** A name as HTTP has them, of a header or method. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Adds the CORS headers to the answer, when the request came from a page. What the browser asks for is allowed: tracing tools add headers
 * of their own to every request, and a list of them would always be an old one.
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
