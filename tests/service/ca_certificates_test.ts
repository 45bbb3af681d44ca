/**
 * A service behind a certificate of one's own authority, as inside of organisations: plugins, destinations and
 * upstreams reach it when the authority is named, and only then.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { makeCertificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

const PLUGIN = `
const AWS = require("aws-sdk");
exports.processEvent = async (event, { config }) => {
  const words = (error) => error.message;
  const aws = new AWS.S3({ endpoint: config.url, accessKeyId: "a", secretAccessKey: "b", maxRetries: 0, s3ForcePathStyle: true });
  event.properties.fetched = await fetch(config.url).then((response) => response.text(), words);
  event.properties.aws = await aws.getObject({ Bucket: "b", Key: "k" }).promise().then(({ Body }) => String(Body), words);
  return event;
};`;

async function reach(caCerts: (folder: string) => string) {
  await using folder = await temporaryFolder();
  await makeCertificates(folder.path);
  const received: string[] = [];
  await using server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    cert: await Deno.readTextFile(folder.file("server.pem")),
    key: await Deno.readTextFile(folder.file("server.key")),
    onListen() {},
  }, async (request) => {
    if (request.method === "POST") received.push(await request.text());
    return new Response("reached");
  });
  const url = `https://localhost:${server.addr.port}`;
  const plugin = folder.file("plugin");
  await Deno.mkdir(plugin);
  await Deno.writeTextFile(join(plugin, "index.js"), PLUGIN);
  await Deno.writeTextFile(
    join(plugin, "plugin.json"),
    `{ "name": "reaches", "config": [{ "key": "url", "type": "string" }] }`,
  );
  const config = {
    projects: [{
      id: 1,
      name: "p",
      token: "phc_local",
      upstream: { type: "posthog", host: url },
      plugins: [{ id: 1, source: plugin, config: { url }, egress: { allow: ["localhost"] } }],
      destinations: [{ id: "hook", type: "webhook", url: `${url}/hook`, secret: `whsec_${btoa("s".repeat(32))}` }],
    }],
  };
  const env = { NODE_EXTRA_CA_CERTS: "", HOGPEN_CA_CERTS: caCerts(folder.path) };
  await using service = await startTestService({ config, env });
  await service.capture({ api_key: "phc_local", event: "e", distinct_id: "me", properties: {} });
  const [event] = await service.events(1);
  const { fetched, aws } = event!.properties;
  if (env.HOGPEN_CA_CERTS !== "") await eventually("the webhook is called", () => received.length > 0);
  const passed = await (await fetch(`${service.url}/api/surveys/`)).text();
  return { fetched, aws, passed, received: received.length };
}

Deno.test("plugins, their packages, destinations and upstreams trust the authorities that the service is given", async () => {
  assert.deepEqual(await reach((folder) => join(folder, "ca.pem")), {
    fetched: "reached",
    aws: "reached",
    passed: "reached",
    received: 1,
  });
});

Deno.test("without them nobody does", async () => {
  const { fetched, aws, passed, received } = await reach(() => "");
  assert.match(String(fetched), /unable to verify the first certificate/);
  assert.match(String(aws), /unable to verify the first certificate/);
  assert.match(passed, /upstream_unavailable/);
  assert.equal(received, 0);
});

Deno.test("a file that holds no certificate is refused at the start", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(folder.file("none.pem"), "nothing");
  const start = (path: string) => startTestService({ env: { HOGPEN_CA_CERTS: path } });
  await assert.rejects(
    start(folder.file("none.pem")),
    /HOGPEN_CA_CERTS: found .*expected a PEM file with certificates/,
  );
  await assert.rejects(start(folder.file("absent.pem")), /HOGPEN_CA_CERTS: found .*expected a file that can be read/);
});
