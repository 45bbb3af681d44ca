/**
 * Proves that no secret comes out of the service: marked ones are planted wherever an operator can put one, plugins and
 * far sides repeat them in errors, and everything that comes out is searched.
 */

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { strToU8, zipSync } from "fflate";
import { treeOf } from "../attacks/process_tree.ts";
import { makeCertificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { createMarkedSecrets } from "../kit/marked_secrets.ts";
import { runCommand } from "../kit/run_command.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { freePort } from "../kit/servers/server_process.ts";
import { startRedis } from "../kit/servers/redis.ts";
import { type RunningService, startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

const API = "/_hogpen/api";

const PLUGIN_JSON = JSON.stringify({
  name: "Talker",
  config: [
    { key: "license", type: "string", secret: true },
    { key: "webhookUrl", type: "string" },
    { key: "list", type: "attachment", secret: true },
  ],
  publicJobs: { tell: { payload: {} } },
});

/** Repeats its secrets in every way in which plugins do so by mistake. */
const TALKER = `
export async function setupPlugin({ config }) { console.log("set up with", config) }
export async function processEvent(event, { config, attachments }) {
  console.warn("key " + config.license, attachments.list.contents.toString());
  try { await fetch(config.webhookUrl) } catch (error) { console.error(error) }
  throw new Error("Cannot send with " + config.license, { cause: new Error(config.webhookUrl) });
}
export function onEvent(event, { config }) { throw new Error(config.webhookUrl + " did not answer " + config.license) }
export const jobs = { tell(payload, { config }) { throw new TypeError(config.license) } };
`;

/** Every file of a folder, as bytes. */
async function filesIn(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isFile) files.set(path, await Deno.readFile(path));
    if (isDirectory) { for (const [inner, bytes] of await filesIn(path)) files.set(inner, bytes); }
  }
  return files;
}

/** Every GET of the API that has an answer, with the ids that the lists give. */
async function readApi(service: RunningService, token: string): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const get = async (path: string) => {
    const response = await fetch(service.url + path, { headers: { Authorization: `Bearer ${token}` } });
    answers.set(path, await response.text());
    assert.notEqual(response.status, 500, `${path}: ${answers.get(path)}`);
    return response;
  };
  const { paths } = await (await fetch(new URL("../../docs/openapi.json", import.meta.url))).json() as {
    paths: Record<string, Record<string, unknown>>;
  };
  const found: Record<string, string[]> = { "{job}": ["tell"], "{destination}": [], "{task}": [], "{key}": ["list"] };
  const listed = Object.entries(paths).filter(([path, methods]) => "get" in methods && !path.endsWith("/live"));
  assert(listed.length > 25, "the API's document has hardly any path");
  for (const [path] of listed.filter(([path]) => !path.includes("{"))) {
    await get(path);
    for (const query of ["?team_id=1", "?project=1", "?consumer=onEvent:1"]) await get(path + query);
    const { results } = JSON.parse(answers.get(path) ?? "") as { results?: Record<string, unknown>[] };
    for (const each of results ?? []) {
      const id = each["id"] ?? each["fingerprint"] ?? each["cursor"];
      if (id !== undefined) (found[path] ??= []).push(encodeURIComponent(String(id)));
    }
  }
  for (const [path] of listed.filter(([path]) => path.includes("{"))) {
    const parent = path.slice(0, path.indexOf("/{"));
    for (const id of found[parent] ?? []) {
      await get(path.replace(/\{(?:id|fingerprint|cursor)\}/, id).replace("{key}", "list"));
    }
  }
  return answers;
}

Deno.test("nothing secret comes out of a service whose plugins and far sides repeat what they know", async () => {
  const secrets = createMarkedSecrets();
  const { plant } = secrets;
  const leaks: string[] = [];
  const search = (where: string, output: string | Uint8Array, but: string[] = []) => {
    for (const place of secrets.find(output)) if (!but.includes(place)) leaks.push(`${place} in ${where}`);
  };

  await using files = await temporaryFolder();
  await using redis = await startRedis();
  const redisUrl = `redis://:${plant("REDIS_URL")}@127.0.0.1:${redis.port}`;
  const admin = new Redis(redis.url);
  await admin.config("SET", "requirepass", plant("REDIS_URL"));
  await admin.quit();
  // A far side that repeats what it was sent with its refusal.
  await using echo = new HttpReceiver(({ path, headers, text }) =>
    new Response(`no: ${path} ${JSON.stringify([...headers])} ${text}`, { status: 401 })
  );
  await Deno.mkdir(files.file("talker"));
  await Deno.writeTextFile(files.file("talker/plugin.json"), PLUGIN_JSON);
  await Deno.writeTextFile(files.file("talker/index.js"), TALKER);
  await Deno.writeTextFile(files.file("list"), plant("attachment"));
  await Deno.writeTextFile(files.file("license"), `${plant("$file")}\n`);
  const closed = freePort();

  const talker = {
    license: { $file: files.file("license") },
    webhookUrl: `http://127.0.0.1:${closed}/${plant("plugin's URL")}`,
  };
  await using service = await startTestService({
    env: {
      HOGPEN_LOG_LEVEL: "debug",
      HOGPEN_METRICS_TOKEN: plant("HOGPEN_METRICS_TOKEN"),
      HOGPEN_SECRET_KEY: plant("HOGPEN_SECRET_KEY"),
      HOGPEN_OLD_SECRET_KEYS: plant("HOGPEN_OLD_SECRET_KEYS"),
      POSTHOG_PERSONAL_API_KEY: plant("POSTHOG_PERSONAL_API_KEY"),
      GITHUB_TOKEN: plant("GITHUB_TOKEN"),
      NPM_TOKEN: plant("NPM_TOKEN"),
      REDIS_URL: redisUrl,
      WAREHOUSE: `postgres://me:${plant("$env")}@127.0.0.1:${closed}/warehouse`,
    },
    config: {
      projects: [{
        id: 1,
        token: "phc_local",
        upstream: { type: "posthog", host: echo.url, api_key: plant("upstream.api_key") },
        plugins: [{ id: 1, source: files.file("talker"), config: talker, attachments: { list: files.file("list") } }],
        destinations: [
          { id: "warehouse", type: "postgres", url: { $env: "WAREHOUSE" } },
          { id: "posthog", type: "posthog", host: echo.url, api_key: plant("destination's api_key") },
          {
            id: "hook",
            type: "webhook",
            url: `${echo.url}/${plant("webhook URL")}`,
            secret: secrets.plantWebhookSecret("webhook secret"),
            headers: { authorization: `Bearer ${plant("webhook header")}`, "x-route": plant("other header") },
          },
        ],
      }],
    },
  });

  const live = await fetch(`${service.url}${API}/live`, { headers: { Authorization: "Bearer hog_test" } });
  let streamed = "";
  const streaming = (async () => {
    for await (const text of live.body!.pipeThrough(new TextDecoderStream())) streamed += text;
  })().catch(() => {});

  const zip = zipSync({ "plugin.json": strToU8(PLUGIN_JSON), "index.js": strToU8(TALKER) });
  const asAdmin = { Authorization: "Bearer hog_test" };
  const post = async (path: string, body: string | Uint8Array<ArrayBuffer>, method = "POST") => {
    const answer = await fetch(service.url + API + path, { method, headers: asAdmin, body });
    const text = await answer.text();
    search(`the answer of ${method} ${path}`, text);
    return text;
  };
  const { upload } = JSON.parse(await post("/uploads", new Uint8Array(zip))) as { upload: string };
  const { id } = JSON.parse(
    await post(
      "/plugin_configs",
      JSON.stringify({
        team_id: 1,
        source: { upload },
        enabled: false,
        order: 2,
        config: { license: plant("API's license"), webhookUrl: `http://127.0.0.1:${closed}/${plant("API's URL")}` },
      }),
    ),
  ) as { id: number };
  await post(`/plugin_configs/${id}/attachments/list?file_name=list`, strToU8(plant("API's attachment")), "PUT");
  await post(`/plugin_configs/${id}`, '{"enabled":true}', "PATCH");
  const { options } = JSON.parse(
    await post(
      "/projects/1/destinations",
      JSON.stringify({
        id: "made",
        type: "webhook",
        url: `${echo.url}/${plant("API's webhook URL")}`,
        secret: secrets.plantWebhookSecret("API's webhook secret"),
        headers: { authorization: plant("API's header") },
      }),
    ),
  ) as { options: { url: string; headers: unknown } };
  // What is sent back as it was shown stays as it is.
  await post("/projects/1/destinations/made", JSON.stringify({ url: options.url, headers: options.headers }), "PATCH");
  await post("/projects/1/destinations/made/test", "{}");
  const [made] = echo.requests.filter(({ path }) => path === `/${plant("API's webhook URL")}`);
  assert.equal(made?.headers.get("authorization"), plant("API's header"));
  const smtp = { type: "smtp", host: "127.0.0.1", port: closed, user: "me", password: plant("SMTP"), from: "a@b.c" };
  await post("/alert_channels/mail", JSON.stringify({ ...smtp, to: ["a@b.c"] }), "PUT");
  await post("/alert_channels/mail/test", "{}");
  const chat = { type: "webhook", url: `http://127.0.0.1:${closed}/${plant("alert webhook")}` };
  await post("/alert_channels/chat", JSON.stringify(chat), "PUT");
  await post("/alert_channels/chat/test", "{}");
  // What cannot be taken is answered, and the answer repeats nothing.
  await post("/alert_channels/mail", JSON.stringify({ ...smtp, port: plant("SMTP in the wrong place") }), "PUT");
  await post(`/plugin_configs/${id}`, JSON.stringify({ config: { license: { a: plant("wrong license") } } }), "PATCH");
  await post("/traces", JSON.stringify({ team_id: 1 }));
  const viewer = JSON.parse(await post("/tokens", JSON.stringify({ name: "looker", role: "viewer" }))) as {
    token: string;
  };

  await eventually("both plugins take events", async () => {
    const { results } = await service.api<{ results: { id: string; state: string }[] }>(`${API}/consumers`);
    return [1, id].every((each) => results.some((of) => of.id === `onEvent:${each}` && of.state === "running"));
  });
  await service.capture({ api_key: "phc_local", event: "hello", distinct_id: "me", properties: {} });
  await post(`/plugin_configs/1/jobs/tell`, "{}");
  await post("/dry_run", JSON.stringify({ plugin_config_id: 1, events: [{ event: "hello" }] }));
  await fetch(`${service.url}/flags?v=2`, { method: "POST", body: '{"api_key":"phc_local"}' }).then((a) => a.text());
  await eventually("plugins and far sides have failed", async () => {
    const { results } = await service.api<{ results: { id: string; last_error: unknown }[] }>(`${API}/consumers`);
    const failed = new Set(results.filter((each) => each.last_error !== null).map((each) => each.id));
    const { results: errors } = await service.api<{ results: { plugin_config_id: number; place: string }[] }>(
      `${API}/errors`,
    );
    const places = new Set(errors.map(({ plugin_config_id, place }) => `${place}:${plugin_config_id}`));
    return ["warehouse", "posthog", "hook", "made"].every((each) => failed.has(`destination:1/${each}`)) &&
      [1, id].every((each) => places.has(`processEvent:${each}`) && places.has(`onEvent:${each}`)) &&
      [...places].some((place) => place.includes("tell"));
  });

  for (const pid of treeOf(service.pid)) {
    const [command = "", environment = "", filter = ""] = await Promise.all(
      ["cmdline", "environ", "coredump_filter"].map((file) => Deno.readTextFile(`/proc/${pid}/${file}`)),
    );
    search(`the arguments of ${command}`, command);
    assert.equal(filter.trim(), "00000000", `core dumps of ${command}`);
    // The host was given them there by its operator.
    if (pid !== service.pid) search(`the environment of ${command}`, environment);
  }
  for (const token of ["hog_test", viewer.token]) {
    const answers = await readApi(service, token);
    for (const [path, text] of answers) {
      // A project's key is no secret, as its token is none: every page that sends events has it. Elsewhere it has no
      // business.
      const isProjects = /^\/_hogpen\/api\/projects(?:\?|$)/.test(path);
      const who = token === "hog_test" ? "admin" : "viewer";
      search(`${path} as ${who}`, text, isProjects ? ["upstream.api_key"] : []);
    }
  }
  const metrics = await fetch(`${service.url}/metrics`, {
    headers: { Authorization: `Bearer ${plant("HOGPEN_METRICS_TOKEN")}` },
  });
  assert.equal(metrics.status, 200);
  search("/metrics", await metrics.text());
  for (const path of ["/_hogpen/", "/_hogpen/health", "/_hogpen/api/openapi.json"]) {
    search(path, await (await fetch(service.url + path, { headers: asAdmin })).text());
  }

  const data = `${service.folder}/data`;
  const connection = ["--data", data, "--port", new URL(service.url).port];
  const doctor = await runCommand(["doctor", ...connection, "--config", `${service.folder}/hogpen.json`], {
    env: { WAREHOUSE: `postgres://me:${plant("$env")}@127.0.0.1:${closed}/warehouse`, REDIS_URL: redisUrl },
  });
  search("hogpen doctor", doctor.out + doctor.err);
  const backup = await runCommand(["backup", files.file("backup"), "--data", data]);
  assert.equal(backup.code, 0, backup.err);
  await service.end("SIGTERM");
  await streaming;
  search("/live", streamed);
  search("standard output and error", service.output());
  for (const folder of [data, files.file("backup")]) {
    for (const [path, bytes] of await filesIn(folder)) search(path, bytes);
  }
  assert.deepEqual([...new Set(leaks)], []);
});

Deno.test("a start that fails repeats no secret of what is wrong", async () => {
  const secrets = createMarkedSecrets();
  const { plant } = secrets;
  await using folder = await temporaryFolder();
  await using other = await temporaryFolder();
  await Promise.all([makeCertificates(folder.path), makeCertificates(other.path)]);
  const [, key = ""] = (await Deno.readTextFile(other.file("server.key"))).split("\n");
  const closed = freePort();
  const hogpen = (project: unknown) => JSON.stringify({ projects: [project] });
  const CASES: Record<string, { commands?: string[]; env?: Record<string, string>; config?: string }> = {
    "settings of the wrong kind": {
      env: {
        HOGPEN_PORT: "no",
        REDIS_URL: `http://:${plant("Redis")}@127.0.0.1`,
        DATABASE_URL: `me:${plant("Postgres")}@db`,
        POSTHOG_HOST: `ftp://${plant("PostHog's host")}`,
      },
    },
    "a Postgres that is away": {
      commands: ["doctor"],
      env: { DATABASE_URL: `postgres://me:${plant("Postgres away")}@127.0.0.1:${closed}/x` },
    },
    "a Redis that is away": {
      commands: ["doctor"],
      env: { REDIS_URL: `redis://:${plant("Redis away")}@127.0.0.1:${closed}` },
    },
    "a Kafka that is away": {
      commands: ["doctor"],
      env: {
        HOGPEN_KAFKA: `127.0.0.1:${closed}`,
        DATABASE_URL: `postgres://me:${plant("Kafka's Postgres")}@127.0.0.1:${closed}/x`,
        HOGPEN_KAFKA_SASL: "plain",
        HOGPEN_KAFKA_USERNAME: "me",
        HOGPEN_KAFKA_PASSWORD: plant("Kafka"),
      },
    },
    "a key of another certificate": {
      env: { HOGPEN_TLS_CERT: folder.file("server.pem"), HOGPEN_TLS_KEY: other.file("server.key") },
    },
    "a configuration that is no JSON": { config: `{"projects": [{"token": "${plant("broken JSON")}" "id": 1]}` },
    "fields of the wrong kind": {
      config: hogpen({
        id: 1,
        token: "phc_1",
        plugins: [{ id: 1, source: "x", config: plant("config"), attachments: {} }],
        upstream: {
          type: "posthog",
          host: `ftp://me:${plant("upstream")}@posthog`,
          api_key: `phx_${plant("personal key")}`,
        },
        destinations: [
          { id: "a", type: "posthog", api_key: `phx_${plant("api_key")}` },
          { id: "b", type: "postgres", url: `mysql://me:${plant("url")}@db/x` },
          {
            id: "c",
            type: "webhook",
            url: `ftp://x/${plant("webhook url")}`,
            secret: plant("secret"),
            headers: { authorization: `\n${plant("header")}` },
          },
        ],
      }),
    },
    "references to what is not there": {
      config: hogpen({ id: 1, token: { $env: "NOT_THERE" }, plugins: [{ id: 1, source: { $file: "/not/there" } }] }),
      env: { NOT_THERE_EITHER: plant("a variable beside it") },
    },
  };
  for (const [name, { commands = ["start"], env = {}, config }] of Object.entries(CASES)) {
    await using data = await temporaryFolder();
    if (config !== undefined) await Deno.writeTextFile(data.file("hogpen.json"), config);
    for (const command of commands) {
      const { code, out, err } = await runCommand([command, "--log-level", "debug"], {
        cwd: data.path,
        env: { HOGPEN_DATA: data.file("data"), ...env },
      });
      assert.notEqual(code, 0, `${command} with ${name}: ${out}${err}`);
      assert.deepEqual(secrets.find(out + err), [], `${command} with ${name}: ${out}${err}`);
      assert(!(out + err).includes(key), `${command} with ${name} prints the key`);
    }
  }
});
