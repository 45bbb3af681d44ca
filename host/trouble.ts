/**
 * Errors that no caller can be told of, such as those that a request was answered for: they are said to the operator.
 * @module
 */

let tell = (line: string): void => console.error(line);

/** From now on they are said there; before, on standard error. */
export function tellTroubleTo(listener: (line: string) => void): void {
  tell = listener;
}

/** `what` went wrong, in words that a colon may follow. */
export function reportTrouble(what: string, error: unknown): void {
  tell(`${what}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
}
