/**
 * The errors of fetch as node-fetch had them: plugins look at names, types and codes to know whether another try may
 * help.
 * @module
 */

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

/**
 * What Node's HTTP client failed with, as node-fetch said it; other errors, such as refusals of egress, stay as they
 * are.
 */
export function asFetchError(url: string, error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (!(error instanceof Error) || typeof code !== "string") return error;
  // In Node a connection that ends before the answer hangs up.
  const hungUp = code === "ECONNRESET" && !/ECONNRESET/.test(String(message));
  return new FetchError(`request to ${url} failed, reason: ${hungUp ? "socket hang up" : message}`, "system", { code });
}

function isNamed(value: unknown, name: string): boolean {
  return value instanceof Error && value.name === name;
}

/** Frozen prototypes have a name that cannot be assigned over. */
function define(error: Error, name: string, value: string): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true });
}
