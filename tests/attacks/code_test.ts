/** Proves that what is wrong or hostile in the way a plugin is written stays with that plugin. */

import { testAttacks } from "./test_attacks.ts";

await testAttacks("code");
