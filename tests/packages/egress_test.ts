/**
 * The inner of the two walls alone: cells without denied addresses, in which the sandbox's guard has to keep packages
 * away from this machine.
 * @module
 */

import assert from "node:assert/strict";
import { eventOf, pluginOf, RawCell } from "../kit/cells/raw_cell.ts";

/** Long enough to load any package. */
const DEADLINE_MS = 5_000;

/** Code that talks to `host:port` with each package, as far as its options let it. */
const ROADS: Record<string, string> = {
  "aws-sdk": `const { S3 } = require('aws-sdk')
    await new S3({ accessKeyId: 'a', secretAccessKey: 'b', endpoint: 'http://' + at, maxRetries: 0, s3ForcePathStyle: true }).putObject({ Bucket: 'b', Key: 'k', Body: 'x' }).promise()`,
  "aws-sdk by https": `const { S3 } = require('aws-sdk')
    await new S3({ accessKeyId: 'a', secretAccessKey: 'b', endpoint: 'https://' + at, maxRetries: 0, s3ForcePathStyle: true }).putObject({ Bucket: 'b', Key: 'k', Body: 'x' }).promise()`,
  "aws-sdk's own client":
    `const AWS = require('aws-sdk'); const request = new AWS.HttpRequest(new AWS.Endpoint('http://' + at), 'us-east-1'); request.method = 'GET'
    await new Promise((resolve, reject) => new AWS.NodeHttpClient().handleRequest(request, { timeout: 0 }, resolve, reject))`,
  "storage": `const { Storage } = require('@google-cloud/storage')
    await new Storage({ projectId: 'p', apiEndpoint: 'http://' + at, retryOptions: { autoRetry: false } }).bucket('b').file('f').save('x', { resumable: false, validation: false })`,
  "bigquery": `const { BigQuery } = require('@google-cloud/bigquery')
    await new BigQuery({ projectId: 'p', apiEndpoint: 'http://' + at, token: 'x', autoRetry: false }).dataset('d').table('t').getMetadata()`,
  "pubsub": `const { PubSub } = require('@google-cloud/pubsub')
    await new PubSub({ projectId: 'p', apiEndpoint: at, emulatorMode: true, credentials: { client_email: 'a@b', private_key: 'x' } }).topic('t').getMetadata({ timeout: 500, gaxOpts: { timeout: 500, retry: null } })`,
  "pg": `const { Client } = require('pg'); await new Client({ host, port }).connect()`,
  "pg by TLS": `const { Client } = require('pg'); await new Client({ host, port, ssl: true }).connect()`,
  "snowflake-sdk":
    `const connection = require('snowflake-sdk').createConnection({ account: 'a', accessUrl: 'http://' + at, username: 'u', password: 'p', sfRetryMaxLoginRetries: 0, loginTimeout: 1 })
    await new Promise((resolve, reject) => connection.connect((error) => error ? reject(error) : resolve()))`,
  "ethers": `const { ethers } = require('ethers'); await ethers.utils.fetchJson('http://' + at)`,
  "fetch": `await fetch('http://' + at)`,
};

/** Takes the road that an event names, to where its properties say. */
const TRAVELLER = `const roads = { ${
  Object.entries(ROADS).map(([name, code]) => `${JSON.stringify(name)}: async (host, port, at) => { ${code} }`).join(
    ", ",
  )
} }
exports.processEvent = async (event) => {
  const { host, port } = event.properties
  await roads[event.event](host, port, host + ':' + port)
  return event
}`;

/** A port of this machine that counts who comes. */
interface Door extends AsyncDisposable {
  port: number;
  visits(): number;
}

function openDoor(): Door {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let visits = 0;
  const accepting = (async () => {
    for await (const connection of listener) {
      visits++;
      connection.close();
    }
  })();
  return {
    port: listener.addr.port,
    visits: () => visits,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
    },
  };
}

Deno.test("no package reaches this machine past the sandbox's guard", async (t) => {
  await using doors = new AsyncDisposableStack();
  // A door for each road, so that what a package tries again later is not counted for another one.
  const doorOf = new Map(Object.keys(ROADS).map((road) => [road, doors.use(openDoor())]));
  await using guarded = new RawCell();
  await guarded.load([pluginOf(TRAVELLER)], { deadlineMs: DEADLINE_MS });
  await using opened = new RawCell();
  const egressAllow = Array.from(doorOf.values(), ({ port }) => `127.0.0.1:${port}`);
  await opened.load([pluginOf(TRAVELLER)], { deadlineMs: DEADLINE_MS, egressAllow });
  const take = (cell: RawCell, road: string, host: string, port: number) =>
    cell.process(eventOf({ event: road, properties: { host, port } }));
  for (const [road, { port, visits }] of doorOf) {
    await t.step(road, async () => {
      await take(guarded, road, "127.0.0.1", port);
      await take(guarded, road, "localhost", port);
      assert.equal(visits(), 0);
      // It is the guard that stands in the way: opened, the road leads there.
      await take(opened, road, "127.0.0.1", port);
      assert.notEqual(visits(), 0);
    });
  }
});
