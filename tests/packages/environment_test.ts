/**
 * Proves that packages find no credentials, files, sockets or programs of the machine when a plugin gives them none.
 */

import assert from "node:assert/strict";
import { startPackagePlugin } from "./package_plugin.ts";

/** What packages do when a plugin gives them no credentials, or names files: code, and the error that it ends with. */
const CASES: [what: string, code: string, error: RegExp][] = [
  [
    "aws-sdk finds no credentials in environment, files and metadata",
    `await new (require('aws-sdk').S3)({ region: 'eu-central-1', maxRetries: 0 }).listBuckets().promise()`,
    /^CredentialsError: Missing credentials in config/,
  ],
  [
    "aws-sdk's file credentials find no file",
    `const AWS = require('aws-sdk'); await new AWS.SharedIniFileCredentials({ filename: '/etc/passwd' }).getPromise()`,
    /ENOENT|Profile default not found/,
  ],
  [
    "aws-sdk starts no program",
    `const AWS = require('aws-sdk'); await new AWS.ProcessCredentials({ profile: 'x' }).getPromise()`,
    /ENOENT|Profile x not found/,
  ],
  [
    "Storage finds no credentials in environment, files and metadata",
    `const { Storage } = require('@google-cloud/storage'); await new Storage({ projectId: 'p' }).authClient.getClient()`,
    /Could not load the default credentials/,
  ],
  [
    "Storage reads no key file",
    `const { Storage } = require('@google-cloud/storage'); await new Storage({ projectId: 'p', keyFilename: '/etc/passwd' }).bucket('b').exists()`,
    /ENOENT: no such file or directory/,
  ],
  [
    "Storage uploads no file of the machine",
    `const { Storage } = require('@google-cloud/storage'); await new Storage({ projectId: 'p', apiEndpoint: 'http://127.0.0.1:9' }).bucket('b').upload('/etc/passwd', { resumable: false })`,
    /ENOENT|Requires read access|no such file/,
  ],
  [
    "BigQuery reads no key file",
    `const { BigQuery } = require('@google-cloud/bigquery'); await new BigQuery({ projectId: 'p', keyFilename: '/etc/passwd' }).dataset('d').exists()`,
    /ENOENT: no such file or directory/,
  ],
  [
    "pg finds no password file and no socket",
    `await new (require('pg').Client)({ host: '/var/run/postgresql' }).connect()`,
    /only hosts are available in plugins/,
  ],
  [
    "jsonwebtoken and crypto work without any of it",
    `throw new Error(typeof require('jsonwebtoken').sign({}, 'x') + require('crypto').randomBytes(2).length)`,
    /^Error: string2$/,
  ],
];

Deno.test("what packages look for on the machine is not there", async (t) => {
  for (const [what, code, error] of CASES) {
    await t.step(what, async () => {
      await using plugin = await startPackagePlugin({
        inline: `export async function processEvent(event) {
          try { ${code} } catch (error) { event.properties.error = error.name + ': ' + error.message }
          return event
        }`,
      }, { deadlineMs: 15_000 });
      const { properties } = await plugin.processEvent();
      assert.match(String((properties as { error?: string }).error), error);
    });
  }
});
