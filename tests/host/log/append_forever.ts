/**
 * A process of its own for tests that end it: appends numbered records until it is killed or refused, and prints each
 * number once it is durable. Arguments: path of the log, first number.
 * @module
 */

import { openSqliteEventLog } from "../../../host/log/sqlite_event_log.ts";

const [path = "", first = "1"] = Deno.args;
const log = await openSqliteEventLog({ path });
const stdout = new TextEncoder();
let number = Number(first);
let refused: unknown;

async function appendInTurn(project: number): Promise<void> {
  while (refused === undefined) {
    const mine = number++;
    const event = JSON.stringify({ number: mine, pad: "x".repeat(mine % 5000) });
    try {
      await log.append("inbox", project, [{ key: `k${project}`, event: new TextEncoder().encode(event) }]);
    } catch (error) {
      refused = error;
      return;
    }
    Deno.stdout.writeSync(stdout.encode(`${project} ${mine}\n`));
  }
}

await Promise.all([1, 2, 3, 4].map(appendInTurn));
console.log(`refused: ${refused instanceof Error ? refused.message : refused}`);
Deno.exit(0);
