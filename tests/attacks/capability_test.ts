/** Proves that a plugin gets hold of nothing of the machine that its sandbox takes away, by whatever trick. */

import { testAttacks } from "./test_attacks.ts";

await testAttacks("capability");
