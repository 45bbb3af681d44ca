/**
 * The errors that cross the wall between host and sandbox, and how they are written down.
 * @module
 */

/** Thrown by a plugin to have setupPlugin, onEvent, exportEvents or a job run again later. */
export class RetryError extends Error {
  override name = "RetryError";
  _attempt?: number;
  _maxAttempts?: number;

  get nameWithAttempts(): string {
    return this._attempt && this._maxAttempts
      ? `${this.name} (attempt ${this._attempt}/${this._maxAttempts})`
      : this.name;
  }

  override toString(): string {
    return this.message ? `${this.nameWithAttempts}: ${this.message}` : this.nameWithAttempts;
  }
}

/** A plugin function or promise that did not settle in time. A RetryError, as it was in PostHog. */
export class TimeoutError extends RetryError {
  override name = "TimeoutError";
  constructor(message: string, readonly caller?: string) {
    super(message);
  }
}

/** Something a plugin asked for that it may not do. */
export class IllegalOperationError extends Error {
  override name = "IllegalOperationError";
}

/** Name of the error for an event that the sandbox could not read; the host then looks whose fault that is. */
export const BAD_INPUT = "BadInputError";

/** An error as plain data: what is sent in frames, stored, logged and shown. All strings are capped by the writer. */
export interface ErrorRecord {
  name: string;
  message: string;
  /** Frames of the plugin's own files only, original line and column. */
  stack?: string;
  /** True for RetryError and TimeoutError: the call may be tried again. */
  retry: boolean;
}
