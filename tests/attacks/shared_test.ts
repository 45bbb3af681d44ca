/**
 * Proves that a plugin gets no further when the service has put a neighbour into its process. `deno task attacks
 * --shared` plays them all.
 */

import { testAttacks } from "./test_attacks.ts";

await testAttacks("capability", "shared");
await testAttacks("memory", "shared");
