/**
 * Packages run in strict mode and find stand-ins for what Node has. Here each does a large part of its work twice, in
 * the sandbox and outside of it, and must come to the same.
 * @module
 */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { eventOf, pluginOf, RawCell } from "../kit/cells/raw_cell.ts";

/** Code that returns results by name. */
const WORK: Record<string, string> = {
  "faker, every function with a number and with a list as seed": `
    const faker = require('faker'); const results = {};
    for (const seed of [1, [1, 2, 3]]) {
      faker.seed(seed);
      for (const [group, functions] of Object.entries(faker)) {
        if (typeof functions !== 'object' || /definitions|locales|date|time|image|system/.test(group)) continue;
        for (const [name, fn] of Object.entries(functions)) {
          if (typeof fn !== 'function' || /image|date|recent|past|future|between|soon|card|transaction|branch|commit/i.test(name)) continue;
          results[seed + group + name] = tried(() => fn());
        }
      }
    }
    return results`,
  "faker, every language": `
    const faker = require('faker'); const results = {};
    for (const locale of Object.keys(faker.locales)) {
      faker.locale = locale; faker.seed(5);
      results[locale] = [faker.name.findName, faker.address.city, faker.company.companyName, faker.lorem.words, faker.phone.phoneNumber].map((fn) => tried(() => fn()));
    }
    return results`,
  "ethers, every function of its utilities": `
    const { ethers } = require('ethers'); const results = {};
    for (const [name, fn] of Object.entries(ethers.utils)) {
      if (typeof fn !== 'function' || /random|shuffled|fetch|poll|Logger/.test(name)) continue;
      for (const argument of ['0x1234', 'abc', 12, [1, 2]]) results[name + argument] = tried(() => JSON.stringify(fn(argument)));
    }
    const wallet = new ethers.Wallet('0x' + '11'.repeat(32));
    results.message = await wallet.signMessage('x');
    results.transaction = await wallet.signTransaction({ to: wallet.address, value: 1, gasLimit: 1, gasPrice: 1, nonce: 0, chainId: 1 });
    return results`,
  "pg, every type of a column": `
    const { types } = require('pg'); const results = {};
    for (const type of Object.values(types.builtins)) {
      for (const text of ['1', '{1,2}', '2020-01-01 00:00:00+00', 't', '{"a":1}', '(1,2)', '\\\\x12', '1 day']) {
        results[type + text] = tried(() => JSON.stringify(types.getTypeParser(type, 'text')(text)));
        results[type + text + 'binary'] = tried(() => JSON.stringify(types.getTypeParser(type, 'binary')(Buffer.from(text.padEnd(16, '0')))));
      }
    }
    return results`,
  "aws-sdk, requests of many services, signed": `
    const AWS = require('aws-sdk'); AWS.util.uuid.v4 = () => 'one of a kind'; const results = {};
    const parameters = { Bucket: 'b', Key: 'k', Body: 'x', Message: 'm', TopicArn: 't', QueueUrl: 'https://q.example/1/2', MessageBody: 'b', TableName: 't', Item: { a: { S: 'x' } } };
    for (const name of ['S3', 'SQS', 'SNS', 'DynamoDB', 'Kinesis', 'Firehose', 'SES', 'STS', 'CloudWatch', 'EventBridge', 'Lambda', 'Redshift']) {
      const service = new AWS[name]({ region: 'eu-central-1', accessKeyId: 'a', secretAccessKey: 'b', paramValidation: false, endpoint: 'https://x.example' });
      for (const operation of Object.keys(service.api.operations)) {
        const request = service.makeRequest(operation, parameters);
        results[name + operation] = tried(() => {
          request.build();
          const { httpRequest, response } = request; const { api } = service;
          const Signer = AWS.Signers.RequestSigner.getVersion(api.signatureVersion);
          const signer = new Signer(httpRequest, api.signingName || api.endpointPrefix, { signatureCache: false, operation: api.operations[operation], signatureVersion: api.signatureVersion });
          signer.addAuthorization({ accessKeyId: 'a', secretAccessKey: 'b' }, new Date(0));
          return [httpRequest.method, httpRequest.path, String(httpRequest.body), httpRequest.headers, response.error && response.error.message];
        });
      }
    }
    return results`,
};

const TRIED = `const tried = (work) => { try { return work() } catch (error) { return 'failed: ' + error.message } };`;

for (const [name, code] of Object.entries(WORK)) {
  Deno.test(`in the sandbox as outside: ${name}`, async () => {
    const body = `${TRIED} return JSON.stringify(await (async () => {${code}})())`;
    const outside = JSON.parse(
      await new Function("require", `return (async () => {${body}})()`)(createRequire(import.meta.url)),
    );
    await using cell = new RawCell();
    await cell.load([
      pluginOf(`exports.processEvent = async (e) => { e.properties.text = await (async () => {${body}})(); return e }`),
    ]);
    const { event, error } = await cell.process(eventOf());
    assert.equal(error, undefined);
    const { text } = event?.["properties"] as { text: string };
    assert.ok(Object.keys(outside).length > 40);
    assert.deepEqual(JSON.parse(text), outside);
  });
}
