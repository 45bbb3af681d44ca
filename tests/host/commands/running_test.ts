/**
 * Proves that the commands for a running service show what it answers, and exit with the documented codes when it does
 * not.
 */

import assert from "node:assert/strict";
import { ADMIN_TOKEN, startTestService } from "../../kit/service.ts";
import { makeCertificates } from "../../kit/certificates.ts";
import { eventually } from "../../kit/eventually.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";
import { runCommand } from "../../kit/run_command.ts";

const config = (file: string) => ({
  projects: [{
    id: 1,
    name: "One",
    token: "phc_one",
    plugins: [{
      id: 1,
      order: 1,
      source: {
        name: "Talks",
        inline: "export function processEvent(event) { console.log('saw', event.event); return event }",
      },
    }],
    destinations: [{ id: "file", type: "ndjson", path: file }],
  }],
});

Deno.test("logs, events, export and replay ask a running service", async () => {
  await using folder = await temporaryFolder();
  const file = folder.file("out.ndjson");
  await using service = await startTestService({ config: config(file) });
  const env = { HOGPEN_URL: service.url, HOGPEN_ADMIN_TOKEN: ADMIN_TOKEN };
  const event = (name: string) => ({ api_key: "phc_one", event: name, distinct_id: "me", properties: { n: 1 } });
  await service.capture(event("first"));
  await service.events(1);

  const lines = await eventually("the log has the line", async () => {
    const { out } = await runCommand(["logs", "1", "--type", "LOG", "--json"], { env });
    const entries = out.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return entries.length > 0 ? entries : null;
  });
  assert.deepEqual(lines.map(({ message }: { message: string }) => message), ["saw first"]);
  const plain = await runCommand(["logs", "1", "--search", "saw"], { env });
  assert.match(plain.out, /^\S+Z LOG {3}saw first\n$/);

  const exported = await runCommand(["events", "export"], { env });
  assert.deepEqual([exported.code, JSON.parse(exported.out).event], [0, "first"]);
  assert.equal(exported.err, "Exported 1 event of project 1\n");
  const written = await runCommand(["events", "export", "--project", "1", "--out", folder.file("all.ndjson")], { env });
  assert.deepEqual([written.code, written.out], [0, ""]);
  assert.equal(JSON.parse(await Deno.readTextFile(folder.file("all.ndjson"))).distinct_id, "me");

  const listed = await runCommand(["replay", "--json"], { env });
  const { id } = JSON.parse(listed.out);
  await eventually("the file has the event", async () => (await countLines(file)) === 1);
  const replayed = await runCommand(["replay", id, "--since", "1h"], { env });
  assert.equal(replayed.code, 0, replayed.err);
  await eventually("the file has it twice", async () => (await countLines(file)) === 2);
  assert.equal((await runCommand(["replay", id], { env })).code, 2);
  const unknown = await runCommand(["replay", "nobody", "--since", "1h"], { env });
  assert.deepEqual([unknown.code, unknown.err.includes("nobody")], [1, true], unknown.err);
});

Deno.test("events tail prints what comes, until it is ended", async () => {
  await using service = await startTestService();
  const tail = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../../main.ts", import.meta.url).pathname, "events", "tail", "--json"],
    env: { HOGPEN_URL: service.url, HOGPEN_ADMIN_TOKEN: ADMIN_TOKEN },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const notes = tail.stderr.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await notes.read()).value ?? "", /^Waiting for events of project 1/);
  await service.capture({ api_key: "phc_local", event: "hello", distinct_id: "me" });
  const lines = tail.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal(JSON.parse((await lines.read()).value ?? "").event, "hello");
  tail.kill("SIGTERM");
  await Promise.all([notes.cancel(), lines.cancel(), tail.status]);
});

Deno.test("replay lists every consumer, however many there are", async () => {
  await using folder = await temporaryFolder();
  const destinations = Array.from({ length: 101 }, (_, index) => ({
    id: `file_${index}`,
    type: "ndjson",
    path: folder.file(`${index}.ndjson`),
  }));
  await using service = await startTestService({ config: { projects: [{ id: 1, token: "phc_many", destinations }] } });
  const env = { HOGPEN_URL: service.url, HOGPEN_ADMIN_TOKEN: ADMIN_TOKEN };
  const { out } = await runCommand(["replay", "--json"], { env });
  assert.equal(out.trim().split("\n").length, 101);
});

Deno.test("a service that does not answer is exit code 3, a missing token 2", async () => {
  await using folder = await temporaryFolder();
  const env = { HOGPEN_URL: "http://127.0.0.1:9", HOGPEN_ADMIN_TOKEN: "x" };
  for (const args of [["logs", "1"], ["events", "export"], ["replay"], ["events", "tail"]]) {
    const { code, out, err } = await runCommand(args, { env });
    assert.deepEqual([code, out], [3, ""], args.join(" "));
    assert.match(err, /^Cannot reach the service at http:\/\/127\.0\.0\.1:9: .*\. Is it running\?/);
  }
  const without = await runCommand(["events", "export", "--data", folder.path], { env: { HOGPEN_ADMIN_TOKEN: "" } });
  assert.equal(without.code, 2);
});

Deno.test("commands ask a service that speaks HTTPS, and trust the authorities that the settings name", async () => {
  await using folder = await temporaryFolder();
  await makeCertificates(folder.path);
  const tls = { HOGPEN_TLS_CERT: folder.file("server.pem"), HOGPEN_TLS_KEY: folder.file("server.key") };
  await using service = await startTestService({ env: tls });
  const env = { ...tls, HOGPEN_PORT: new URL(service.url).port, HOGPEN_ADMIN_TOKEN: ADMIN_TOKEN };
  const stranger = await runCommand(["logs", "1"], { env });
  assert.equal(stranger.code, 3);
  assert.match(stranger.err, /at https:\/\/localhost:\d+: .*certificate/i);
  const { code, err } = await runCommand(["logs", "1"], { env: { ...env, HOGPEN_CA_CERTS: folder.file("ca.pem") } });
  assert.equal(code, 0, err);
});

Deno.test("a port that another process has is said in a line", async () => {
  await using service = await startTestService();
  const { port } = new URL(service.url);
  const { code, err } = await runCommand([
    "dev",
    new URL("../../../plugins/hello_world", import.meta.url).pathname,
    "--port",
    port,
  ]);
  assert.equal(code, 1);
  assert.match(err, /^Cannot listen: another process has the port\. Name another one with --port/);
});

async function countLines(path: string): Promise<number> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.split("\n").filter(Boolean).length;
}
