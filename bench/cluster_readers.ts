/**
 * How many places of consumers a second Postgres takes from one host: what bounds the number of consumers of a cluster.
 * `deno task bench cluster_readers [--readers 300] [--partitions 4]`
 * @module
 */

import { parseArgs } from "node:util";
import { ReaderCursors } from "../host/log/kafka/reading/reader_cursors.ts";
import { Connection } from "../host/store/postgres/connection.ts";
import { startPostgres } from "../tests/kit/servers/postgres.ts";
import { printMachine } from "./kit/report.ts";

const SECONDS = 10;

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: { readers: { type: "string", default: "300" }, partitions: { type: "string", default: "4" } },
});
const partitions = Array.from({ length: Number(flags.partitions) }, (_, partition) => partition);
const readers = Array.from({ length: Number(flags.readers) }, (_, index) => `onEvent:${index}`);

printMachine();
await using postgres = await startPostgres({ fsync: true });
await using cursors = new ReaderCursors(
  new Connection(await postgres.createDatabase(), { maxConnections: 3 }),
  "bench-",
);
const start = new Map(partitions.map((partition) => [partition, 0]));
for (const reader of readers) await cursors.register(1, reader, start);
await cursors.claim(partitions);

let commits = 0;
const until = performance.now() + SECONDS * 1000;
await Promise.all(readers.map(async (reader) => {
  for (let offset = 1; performance.now() < until; offset++) {
    const next = new Map(partitions.map((partition) => [partition, offset]));
    await cursors.commit(1, reader, { next, moves: new Map() });
    commits++;
  }
}));
const rate = commits / SECONDS;
console.log(
  `${readers.length} consumers in ${partitions.length} partitions that commit as fast as they can: ` +
    `${Math.round(rate)} commits/s, ${Math.round(rate * partitions.length)} rows/s`,
);
