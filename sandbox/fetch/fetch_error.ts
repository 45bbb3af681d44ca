/**
 * The errors of fetch as node-fetch had them: plugins look at names, types and codes to know whether another try may
 * help.
 * @module
 */

/** Deno's words for what happened below HTTP, and what node-fetch made of Node's. */
const CAUSES: readonly [words: RegExp, code: string, reason: (url: URL) => string][] = [
  [/connection refused/i, "ECONNREFUSED", (url) => `connect ECONNREFUSED ${addressOf(url)}`],
  [/dns error|lookup address/i, "ENOTFOUND", ({ hostname }) => `getaddrinfo ENOTFOUND ${hostname}`],
  [/connection reset/i, "ECONNRESET", () => "read ECONNRESET"],
  [/connection closed|incomplete message|broken pipe/i, "ECONNRESET", () => "socket hang up"],
  [/timed out/i, "ETIMEDOUT", (url) => `connect ETIMEDOUT ${addressOf(url)}`],
  [/network is unreachable/i, "ENETUNREACH", (url) => `connect ENETUNREACH ${addressOf(url)}`],
  [/unreachable|no route to host/i, "EHOSTUNREACH", (url) => `connect EHOSTUNREACH ${addressOf(url)}`],
  [/expired/i, "CERT_HAS_EXPIRED", () => "certificate has expired"],
  [/unknownissuer|unknown issuer/i, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", () => "unable to verify the first certificate"],
  [/notvalidforname|not valid for name/i, "ERR_TLS_CERT_ALTNAME_INVALID", () => "the certificate is for another name"],
  [/corrupt message|certificate|handshake/i, "EPROTO", () => "TLS handshake failed"],
];

/** What of the request failed. */
export type FetchErrorType =
  | "body-timeout"
  | "invalid-json"
  | "invalid-redirect"
  | "max-redirect"
  | "max-size"
  | "no-redirect"
  | "request-timeout"
  | "system"
  | "unsupported-redirect";

/** An operation that failed; `code` and `errno` only where the system said so. */
export class FetchError extends Error {
  readonly type: string | undefined;
  readonly code?: string;
  readonly errno?: string;

  constructor(message: string, type?: FetchErrorType, cause?: { code: string }) {
    super(message);
    define(this, "name", "FetchError");
    this.type = type;
    if (cause !== undefined) this.code = this.errno = cause.code;
  }

  /** Also those of the node-fetch that packages bring with them. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isNamed(value, "FetchError");
  }
}

/** The request was cancelled through its signal. */
export class AbortError extends Error {
  readonly type = "aborted";

  constructor(message: string) {
    super(message);
    define(this, "name", "AbortError");
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isNamed(value, "AbortError");
  }
}

/** What Deno's fetch rejected with, as node-fetch would have; errors that are not the network's stay as they are. */
export function asFetchError(url: string, error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  // fetch says little itself; what happened is in the cause.
  const words = error.cause instanceof Error ? error.cause.message : error.message;
  const found = CAUSES.find(([pattern]) => pattern.test(words));
  if (found === undefined) return new FetchError(`request to ${url} failed, reason: ${words}`, "system");
  const [, code, reason] = found;
  return new FetchError(`request to ${url} failed, reason: ${reason(new URL(url))}`, "system", { code });
}

function addressOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

function isNamed(value: unknown, name: string): boolean {
  return value instanceof Error && value.name === name;
}

/** Frozen prototypes have a name that cannot be assigned over. */
function define(error: Error, name: string, value: string): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true });
}
