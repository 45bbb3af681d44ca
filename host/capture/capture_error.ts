/**
 * Errors of the capture API, with the messages and codes that SDKs know.
 * @module
 */

export class CaptureError extends Error {
  override name = "CaptureError";
  constructor(
    readonly status: 400 | 401 | 408 | 413 | 429 | 503,
    readonly type: "validation_error" | "authentication_error" | "throttled_error" | "server_error",
    readonly code: string,
    message: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

/** 400: the payload cannot be decoded. */
export function malformed(what: string): CaptureError {
  return invalidPayload(`Malformed request data: ${what}`);
}

/** 400: the payload was decoded, but it is not a valid request. */
export function invalidPayload(detail: string): CaptureError {
  return new CaptureError(400, "validation_error", "invalid_payload", detail);
}

/** The event is dropped, as PostHog drops it. A request that holds nothing else is still answered with 200. */
export function nobody(distinctId: string): CaptureError {
  const detail = `Event dropped: ${JSON.stringify(distinctId)} as "distinct_id" stands for nobody in particular`;
  return new CaptureError(400, "validation_error", NOBODY, detail);
}

export const NOBODY = "illegal_distinct_id";

/** 400: the request is empty. */
export function noData(): CaptureError {
  const detail = "No data found. Make sure to use a POST request when sending the payload in the body of the request.";
  return new CaptureError(400, "validation_error", "no_data", detail);
}

/** 408: the body did not arrive in time. SDKs try again. */
export function requestTimeout(seconds: number): CaptureError {
  const detail = `Request timed out: the body was not complete after ${seconds} s`;
  return new CaptureError(408, "validation_error", "request_timeout", detail);
}

/** 413: the request is too large. SDKs halve the batch and send the halves. */
export function tooLarge(detail: string): CaptureError {
  return new CaptureError(413, "validation_error", "request_too_large", detail);
}

/** 401, with PostHog's code for what is wrong with the key. */
export function unauthorized(code: string, detail: string): CaptureError {
  return new CaptureError(401, "authentication_error", code, detail);
}

/** 429: a rate limit is exceeded. The client should send the same request again after the given seconds. */
export function tooMany(detail: string, retryAfterSeconds: number): CaptureError {
  return new CaptureError(429, "throttled_error", "rate_limit_exceeded", detail, retryAfterSeconds);
}

/** 503: events cannot be stored now. The client should send the same request again after the given seconds. */
export function unavailable(detail: string, retryAfterSeconds: number): CaptureError {
  return new CaptureError(503, "server_error", "server_error", detail, retryAfterSeconds);
}
