/** Proves that a plugin that uses all the processor time it can get costs its own events at most. */

import { testAttacks } from "./test_attacks.ts";

await testAttacks("cpu");
