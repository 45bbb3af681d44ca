/**
 * Runs one attack, given as JSON, inside the namespace that run.ts made, and prints what was seen as JSON on the last line.
 * @module
 */

import type { Attack } from "./attack_set.ts";
import { observeAttack } from "./observe_attack.ts";

const attack = JSON.parse(Deno.args[0] ?? "") as Attack;
const seen = await observeAttack(attack);
console.log(JSON.stringify(seen));
Deno.exit(0);
