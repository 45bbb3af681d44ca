/**
 * Names that packages assign to without having declared them, which strict mode refuses;
 * `tests/packages/strict_mode_test.ts` finds them.
 * @module
 */

/** faker, to seed with a list. */
export const UNDECLARED = ["dbg"];
