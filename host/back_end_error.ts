/**
 * What keeps a back end from opening at all and needs a person: a damaged or newer file, a second host on the same
 * folder, a refused password. The message is for the operator and stands alone.
 * @module
 */

export class BackEndError extends Error {
  override name = "BackEndError";
}

/** The error as one for the operator. */
export function toBackEndError(error: unknown): BackEndError {
  return error instanceof BackEndError
    ? error
    : new BackEndError(error instanceof Error ? error.message : String(error), { cause: error });
}
