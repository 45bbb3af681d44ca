/** Proves that whatever a plugin answers, stores or prints, the host takes no harm. */

import { testAttacks } from "./test_attacks.ts";

await testAttacks("output");
