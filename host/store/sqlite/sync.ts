/**
 * The synchronous counterpart of an interface whose methods return promises.
 * @module
 */

/** Each method returns the value of its promise. */
export type Sync<Area> = {
  [Name in keyof Area]: Area[Name] extends (...args: infer Args) => Promise<infer Value> ? (...args: Args) => Value
    : never;
};

/** Rows of a query whose columns the caller knows. */
export function rows<Row>(found: Record<string, unknown>[]): Row[] {
  return found as Row[];
}
