/** Proves that a plugin that uses all the memory it can get costs its own events at most. */

import { testAttacks } from "./test_attacks.ts";

await testAttacks("memory");
