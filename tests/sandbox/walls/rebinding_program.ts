/**
 * Runs in a network and mount namespace of its own, see rebinding_test.ts: a name server that answers with a public
 * address first and a private one after that, a server on every private address, and a plugin that connects by name in
 * every way it has. Prints what reached the server, as JSON.
 * @module
 */

import { createSocket } from "node:dgram";
import { pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

const PUBLIC = { 1: [8, 8, 8, 8], 28: [0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11] };
const PRIVATE = { 1: [127, 0, 0, 1], 28: [0xfd, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5] };

/** Names that begin with `r4` have IPv4 addresses, those with `r6` IPv6 ones. */
function startNameServer(): Promise<void> {
  const asked = new Map<string, number>();
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    let at = 12;
    const labels: string[] = [];
    while ((query[at] ?? 0) > 0) {
      const length = query[at] as number;
      labels.push(query.subarray(at + 1, at + 1 + length).toString().toLowerCase());
      at += length + 1;
    }
    const type = query.readUInt16BE(at + 1) as 1 | 28;
    const name = labels.join(".");
    const times = asked.get(`${name} ${type}`) ?? 0;
    asked.set(`${name} ${type}`, times + 1);
    const known = (name.startsWith("r4") && type === 1) || (name.startsWith("r6") && type === 28);
    const data = known ? (times % 2 === 0 ? PUBLIC : PRIVATE)[type] : [];
    const answer = known ? [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length, ...data] : [];
    const head = [query[0], query[1], 0x81, 0x80, 0, 1, 0, known ? 1 : 0, 0, 0, 0, 0] as number[];
    socket.send(new Uint8Array([...head, ...query.subarray(12, at + 5), ...answer]), port, address);
  });
  return new Promise((resolve) => socket.bind(53, "127.0.0.53", () => resolve()));
}

const reached: string[] = [];
// Takes IPv4 connections too.
const listener = Deno.listen({ hostname: "::", port: 8099 });
(async () => {
  for await (const connection of listener) {
    reached.push((connection.localAddr as Deno.NetAddr).hostname);
    connection.close();
  }
})();
await startNameServer();

const PLUGIN = `
const { Client } = require('pg'); const AWS = require('aws-sdk');
const ways = {
  fetch: (host) => fetch('http://' + host + ':8099/', { timeout: 1000 }),
  https: (host) => fetch('https://' + host + ':8099/', { timeout: 1000 }),
  pg: (host) => { const c = new Client({ host, port: 8099, connectionTimeoutMillis: 1000 }); c.on('error', () => {}); return c.connect() },
  aws: (host) => new AWS.S3({ accessKeyId: 'a', secretAccessKey: 'b', endpoint: 'http://' + host + ':8099', maxRetries: 0, s3ForcePathStyle: true, httpOptions: { timeout: 1000, connectTimeout: 1000 } }).listBuckets().promise(),
};
exports.processEvent = async (event) => {
  event.properties = {};
  for (const [way, connect] of Object.entries(ways)) for (const kind of ['r4', 'r6']) {
    const words = new Set();
    for (let i = 0; i < 6; i++) await connect(kind + '-' + way + (i >> 1) + '.test').then(() => words.add('connected'), (error) => words.add(String(error.message)));
    event.properties[way + ' ' + kind] = [...words];
  }
  return event;
}`;

await using cell = new RawCell({});
await cell.load([pluginOf(PLUGIN)], { deadlineMs: 60_000, egressAllow: Deno.args });
const { event, error } = await cell.process();
console.log(JSON.stringify({ reached, said: event?.["properties"], error: error?.message }));
Deno.exit(0);
