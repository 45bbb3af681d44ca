/**
 * A request that the API refuses. Refusals have PostHog's form `{type, code, detail, attr}`.
 * @module
 */

export type ApiErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 429 | 500 | 503;

export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly status: ApiErrorStatus,
    readonly type: "validation_error" | "authentication_error" | "invalid_request" | "server_error",
    readonly code: string,
    detail: string,
    /** The field that is wrong. */
    readonly attr: string | null = null,
    readonly headers: Record<string, string> = {},
    /** Further fields of the answer. */
    readonly more: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

/** 404: the thing does not exist. */
export function notFound(detail: string): ApiError {
  return new ApiError(404, "invalid_request", "not_found", detail);
}

/** 400: a field has an invalid value. */
export function invalidInput(detail: string, attr: string | null = null): ApiError {
  return new ApiError(400, "validation_error", "invalid_input", detail, attr);
}

/** 409: the thing exists, but its state does not allow the request. */
export function conflict(detail: string): ApiError {
  return new ApiError(409, "invalid_request", "conflict", detail);
}

/** 412: the thing was changed since it was read. `current` is its current value. */
export function preconditionFailed(detail: string, current: unknown): ApiError {
  return new ApiError(412, "invalid_request", "precondition_failed", detail, null, {}, { current });
}

/** The answer to a refused request. */
export function errorResponse({ status, type, code, message, attr, headers: own, more }: ApiError): Response {
  const headers: Record<string, string> = status === 401 ? { "www-authenticate": "Bearer", ...own } : own;
  return Response.json({ ...more, type, code, detail: message, attr }, { status, headers });
}
