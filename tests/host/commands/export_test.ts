/**
 * Proves that everything that runs, from the file and from the API, can be written as one hogpen.json that runs
 * elsewhere, that no secret stands in it, and that a hogpen.json can be taken over by the API of a running service,
 * whole or not at all.
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../../kit/eventually.ts";
import { runCommand } from "../../kit/run_command.ts";
import { ADMIN_TOKEN, type RunningService, startTestService } from "../../kit/service.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";
import { makeZip } from "../../kit/zip.ts";

const MARK = "properties.by = [...(event.properties.by ?? []), config.license ?? 'file'];";
const CODE = `export function processEvent(event, { config }) { event.${MARK} return event }`;

const WEBHOOK_SECRET = `whsec_${btoa("hush".repeat(8))}`;

const ARCHIVE = makeZip([
  {
    name: "plugin.json",
    content: JSON.stringify({
      name: "Marks",
      config: [
        { key: "license", name: "License", type: "string", secret: true },
        { key: "colour", name: "Colour", type: "string" },
        { key: "list", name: "List", type: "attachment" },
      ],
    }),
  },
  { name: "index.js", content: CODE },
]);

const FILE = {
  projects: [{
    id: 1,
    name: "One",
    token: "phc_one",
    plugins: [{ id: 1, source: "./marks", config: { license: { $env: "LICENSE" } } }],
  }],
};

async function upload(service: RunningService, path: string, method: string, body: Uint8Array): Promise<unknown> {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    body: new Uint8Array(body),
  });
  assert.equal(response.status, 200, path);
  return await response.json();
}

/** A service with something of each kind from the file and from the API; resolves with what it runs. */
async function startFilled(): Promise<RunningService & { api_plugin: number }> {
  const service = await startTestService({
    config: { projects: [{ ...FILE.projects[0], plugins: [] }] },
    env: { LICENSE: "of-file" },
  });
  await Deno.mkdir(`${service.folder}/marks`);
  await Deno.writeTextFile(`${service.folder}/marks/plugin.json`, "{}");
  await Deno.writeTextFile(`${service.folder}/marks/index.js`, CODE);
  await service.configure(FILE);
  const { upload: id } = await upload(service, "/_hogpen/api/uploads", "POST", ARCHIVE) as { upload: string };
  const made = await service.api<{ id: number }>("/_hogpen/api/plugin_configs", "POST", {
    team_id: 1,
    source: { upload: id },
    order: 5,
    enabled: true,
    config: { license: "hush-hush", colour: "green" },
  });
  await upload(
    service,
    `/_hogpen/api/plugin_configs/${made.id}/attachments/list?file_name=list.txt`,
    "PUT",
    new Uint8Array([7]),
  );
  await service.api("/_hogpen/api/projects/1/destinations", "POST", {
    id: "hook",
    type: "webhook",
    url: "http://127.0.0.1:9/hush-address",
    headers: { "X-Team": "hush-team" },
    enabled: false,
    secret: WEBHOOK_SECRET,
  });
  await service.api("/_hogpen/api/projects", "POST", { name: "Two", token: "phc_two" });
  return Object.assign(service, { api_plugin: made.id });
}

Deno.test("export writes what runs as one hogpen.json without secrets in it, and that runs the same elsewhere", async () => {
  await using folder = await temporaryFolder();
  await using service = await startFilled();
  const env = {
    HOGPEN_DATA: `${service.folder}/data`,
    HOGPEN_CONFIG: `${service.folder}/hogpen.json`,
    LICENSE: "of-file",
  };
  const out = folder.file("out");
  const { code, err, out: said } = await runCommand(["export", out], { env });
  assert.equal(code, 0, err);
  assert.match(said, /^Exported 2 projects, 2 plugin configs and 1 destinations to .*out\/hogpen\.json\n$/);
  assert.match(err, /4 secrets are in .*out\/secrets/);

  const text = await Deno.readTextFile(`${out}/hogpen.json`);
  for (const secret of ["hush-hush", "hush-address", "hush-team", WEBHOOK_SECRET, "of-file"]) {
    assert.equal(text.includes(secret), false, secret);
  }
  const [one, two] = JSON.parse(text).projects;
  const id = service.api_plugin;
  assert.deepEqual(one.plugins, [
    { id: 1, source: `${service.folder}/marks`, config: { license: { $env: "LICENSE" } } },
    {
      id,
      source: `./plugins/${id}.zip`,
      order: 5,
      config: { license: { $file: `secrets/plugin_${id}_license` }, colour: "green" },
      attachments: { list: `./attachments/${id}/list/list.txt` },
    },
  ]);
  assert.deepEqual([one.destinations[0].id, one.destinations[0].enabled], ["hook", false]);
  assert.deepEqual([two.name, two.token], ["Two", "phc_two"]);
  assert.equal(((await Deno.stat(`${out}/secrets/plugin_${id}_license`)).mode ?? 0) & 0o777, 0o600);

  const again = await runCommand(["export", out], { env });
  assert.deepEqual([again.code, /expected a new or empty folder/.test(again.err)], [2, true], again.err);

  const copied = await runCommand(["check"], {
    env: { HOGPEN_CONFIG: `${out}/hogpen.json`, LICENSE: "of-file", HOGPEN_DATA: folder.file("data") },
  });
  assert.equal(copied.code, 0, copied.err);
});

Deno.test("import puts a hogpen.json under the API of a running service, with its ids, and says what it leaves", async () => {
  await using folder = await temporaryFolder();
  await using source = await startFilled();
  const exporting = {
    HOGPEN_DATA: `${source.folder}/data`,
    HOGPEN_CONFIG: `${source.folder}/hogpen.json`,
    LICENSE: "of-file",
  };
  const out = folder.file("out");
  assert.equal((await runCommand(["export", out], { env: exporting })).code, 0);

  await using service = await startTestService({ config: { projects: [{ id: 3, token: "phc_three" }] } });
  const env = {
    HOGPEN_DATA: `${service.folder}/data`,
    HOGPEN_CONFIG: `${service.folder}/hogpen.json`,
    LICENSE: "of-file",
  };
  const path = `${out}/hogpen.json`;
  const tried = await runCommand(["import", path, "--dry-run"], { env });
  assert.deepEqual([tried.code, tried.out.includes("would create plugin config 1\n")], [0, true], tried.err);
  assert.equal((await service.api<{ results: unknown[] }>("/_hogpen/api/plugin_configs")).results.length, 0);

  const { code, err, out: said } = await runCommand(["import", path], { env });
  assert.equal(code, 0, err);
  assert.match(said, /created project 1\n/);
  assert.match(err, /plugin config 1 is read from .*marks, which must stay there/);
  await eventually("the service runs what was imported", async () => {
    const { results } = await service.api<{ results: { status: { state: string } }[] }>("/_hogpen/api/plugin_configs");
    return results.length === 2;
  });
  await service.capture({ api_key: "phc_one", event: "hello", distinct_id: "me" });
  const [event] = await service.events(1, 1);
  assert.deepEqual(event?.properties.by, ["of-file", "hush-hush"]);

  const audit = await service.api<{ results: { action: string; actor: string; target: string }[] }>(
    "/_hogpen/api/audit",
  );
  const imported = audit.results.filter(({ action }) => action === "import");
  assert.deepEqual(imported.map(({ target }) => target).toSorted(), [
    "destinations/1/hook",
    "plugin_configs/1",
    `plugin_configs/${source.api_plugin}`,
    "projects/1",
    "projects/1000001",
  ]);
  assert.equal(/hush|whsec/.test(JSON.stringify(audit)), false);

  const twice = await runCommand(["import", path], { env });
  assert.deepEqual([twice.code, twice.out.includes("changed plugin config 1\n")], [0, true], twice.err);

  await Deno.writeTextFile(
    folder.file("taken.json"),
    JSON.stringify({ projects: [{ id: 4, token: "phc_four" }, { id: 5, token: "phc_three" }] }),
  );
  const refused = await runCommand(["import", folder.file("taken.json")], { env });
  assert.deepEqual([refused.code, refused.err], [2, "Cannot import project 5: project 3 has its token\n"]);
  const { results } = await service.api<{ results: { id: number }[] }>("/_hogpen/api/projects");
  assert.equal(results.some(({ id }) => id === 4), false);
});
