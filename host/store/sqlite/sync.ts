/**
 * The synchronous twin of an interface whose methods answer with promises.
 * @module
 */

/** Each method returns what its promise would hold. */
export type Sync<Area> = {
  [Name in keyof Area]: Area[Name] extends (...args: infer Args) => Promise<infer Value> ? (...args: Args) => Value
    : never;
};

/** Rows of a query whose columns the caller knows. */
export function rows<Row>(found: Record<string, unknown>[]): Row[] {
  return found as Row[];
}
