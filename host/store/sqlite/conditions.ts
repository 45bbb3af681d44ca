/**
 * Builds the WHERE clause of a list whose filters are optional.
 * @module
 */

import type { SQLInputValue } from "node:sqlite";

export interface Conditions {
  /** Adds a condition unless its value is undefined; `sql` has one `?`. */
  add(sql: string, value: SQLInputValue | undefined): void;
  /** The text after WHERE. */
  readonly sql: string;
  readonly values: SQLInputValue[];
}

export function createConditions(): Conditions {
  const parts = ["1"];
  const values: SQLInputValue[] = [];
  return {
    add(sql, value) {
      if (value === undefined) return;
      parts.push(sql);
      values.push(value);
    },
    get sql() {
      return parts.join(" AND ");
    },
    values,
  };
}
