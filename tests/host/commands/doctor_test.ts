/**
 * Proves that `hogpen doctor` finds what is wrong with a data folder, a configuration and what they name, and changes
 * nothing.
 */

import assert from "node:assert/strict";
import { makeCertificates } from "../../kit/certificates.ts";
import { runCommand } from "../../kit/run_command.ts";
import { freePort } from "../../kit/servers/server_process.ts";
import { startTestService } from "../../kit/service.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

/** "only a test", as webhooks are signed with. */
const WEBHOOK_SECRET = `whsec_${btoa("only a test, of 24 bytes and more")}`;

Deno.test("doctor finds a running service in order", async () => {
  await using service = await startTestService();
  await service.capture({ api_key: "phc_local", event: "hello", distinct_id: "me", properties: {} });
  const { code, out, err } = await runCommand([
    "doctor",
    "--data",
    `${service.folder}/data`,
    "--port",
    new URL(service.url).port,
  ], {
    cwd: service.folder,
  });
  assert.equal(code, 0, out + err);
  assert.match(out, /^ok +configuration: 1 projects, 2 plugins/m);
  assert.match(out, /^ok +event log .*events\.db: whole, .* records$/m);
  assert.match(out, /^ok +store .*store\.db: whole/m);
  assert.match(out, /^ok +service at .*: ready$/m);
});

Deno.test("doctor finds a running service that speaks HTTPS, whatever name its certificate is for", async () => {
  await using folder = await temporaryFolder();
  await makeCertificates(folder.path);
  const tls = { HOGPEN_TLS_CERT: folder.file("server.pem"), HOGPEN_TLS_KEY: folder.file("server.key") };
  await using service = await startTestService({ env: tls });
  const { port } = new URL(service.url);
  const { code, out, err } = await runCommand(["doctor", "--data", `${service.folder}/data`, "--port", port], {
    cwd: service.folder,
    env: tls,
  });
  assert.equal(code, 0, out + err);
  assert.match(out, /^ok +service at https:.*: ready$/m);
});

Deno.test("doctor names what is wrong, keeps passwords to itself, and leaves damaged files as they are", async () => {
  await using folder = await temporaryFolder();
  await using service = await startTestService();
  await service.end("SIGTERM");
  const data = `${service.folder}/data`;
  const bytes = await Deno.readFile(`${data}/store.db`);
  bytes.fill(0, 4096 * 3, 4096 * 4);
  await Deno.writeFile(`${data}/store.db`, bytes);
  await Deno.truncate(`${data}/events.db`, 0);
  await Deno.mkdir(`${data}/damaged-2026-01-01`);
  const port = freePort();
  await Deno.writeTextFile(
    folder.file("hogpen.json"),
    JSON.stringify({
      projects: [{
        id: 1,
        token: "phc_1",
        plugins: [],
        upstream: { type: "posthog", host: `http://127.0.0.1:${port}` },
        destinations: [{
          id: "hook",
          type: "webhook",
          url: `http://127.0.0.1:${port + 1}/secret_path`,
          secret: WEBHOOK_SECRET,
        }],
      }],
    }),
  );
  const { code, out, err } = await runCommand([
    "doctor",
    "--data",
    data,
    "--config",
    folder.file("hogpen.json"),
    "--redis-url",
    `redis://:hunter2@127.0.0.1:${port + 2}`,
    "--port",
    String(port + 3),
  ]);
  assert.equal(code, 1, out + err);
  assert.match(out, /^wrong event log .*: the file is empty; the next start keeps what can be read/m);
  assert.match(out, /^wrong store .*store\.db: .*; the next start keeps what can be read/m);
  assert.match(out, /^note +.*damaged-2026-01-01: files that were found damaged/m);
  assert.match(out, new RegExp(`^wrong upstream of project 1: 127.0.0.1:${port} cannot be reached`, "m"));
  assert.match(out, new RegExp(`^wrong destination 1/hook: 127.0.0.1:${port + 1} cannot be reached`, "m"));
  assert.match(out, new RegExp(`^wrong Redis \\(REDIS_URL\\): 127.0.0.1:${port + 2} cannot be reached`, "m"));
  assert.match(out, /^note +service at .*: none answers/m);
  assert.doesNotMatch(out + err, /hunter2|secret_path|whsec/);
  assert.deepEqual(await Deno.readFile(`${data}/store.db`), bytes);
  assert.equal((await Deno.stat(`${data}/events.db`)).size, 0);

  const broken = await runCommand(["doctor", "--data", data, "--config", folder.file("none.json")]);
  assert.match(broken.out, /^wrong configuration: /m);
});
