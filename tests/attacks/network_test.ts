/** Proves that a plugin reaches no address that is closed to it, and nothing of another plugin. */

import { testAttacks } from "./test_attacks.ts";

await testAttacks("network");
