/**
 * The inner of the two walls alone: cells without denied addresses, in which the sandbox's guard has to keep packages
 * away from this machine.
 * @module
 */

import assert from "node:assert/strict";
import { pluginOf, RawCell } from "../kit/cells/raw_cell.ts";

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

Deno.test("no package reaches this machine past the sandbox's guard", async (t) => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let connections = 0;
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      connection.close();
    }
  })();
  const { port } = listener.addr;
  const run = async (code: string, host: string, egressAllow: string[]) => {
    const before = connections;
    await using cell = new RawCell();
    const start = `const host = '${host}', port = ${port}, at = host + ':' + port`;
    const plugin = pluginOf(`exports.processEvent = async (e) => { ${start}; ${code}; return e }`);
    await cell.load([plugin], { deadlineMs: 1500, egressAllow });
    await cell.process();
    return connections - before;
  };
  for (const [name, code] of Object.entries(ROADS)) {
    await t.step(name, async () => {
      assert.equal(await run(code, "127.0.0.1", []), 0);
      assert.equal(await run(code, "localhost", []), 0);
      // It is the guard that stands in the way: opened, the road leads there.
      assert.notEqual(await run(code, "127.0.0.1", [`127.0.0.1:${port}`]), 0);
    });
  }
  listener.close();
  await accepting;
});
