/**
 * The errors that pass between host and sandbox, and how they are represented as data.
 * @module
 */

/** Thrown by a plugin to ask for setupPlugin, onEvent, exportEvents or a job to be run again later. */
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

/** A plugin's function or promise did not settle in time. It is a RetryError, as it was in PostHog. */
export class TimeoutError extends RetryError {
  override name = "TimeoutError";
  constructor(message: string, readonly caller?: string) {
    super(message);
  }
}

/** A plugin asked for something that it is not allowed to do. */
export class IllegalOperationError extends Error {
  override name = "IllegalOperationError";
}

/** The name of the error for an event that the sandbox could not read. The host then finds out who is to blame. */
export const BAD_INPUT = "BadInputError";

/**
 * An error as plain data: this is what is sent in frames, stored, logged and shown. Whoever writes it limits the
 * lengths of all strings.
 */
export interface ErrorRecord {
  name: string;
  message: string;
  /** Only stack frames in the plugin's own files, with original lines and columns. */
  stack?: string;
  /** True for RetryError and TimeoutError: the call may be tried again. */
  retry: boolean;
}
