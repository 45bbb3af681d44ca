/**
 * Proves that `hogpen.json` is read with defaults and references filled in, and that all problems are reported at once,
 * each with its path.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultConfig } from "../../../host/config/default_config.ts";
import { loadConfig } from "../../../host/config/load_config.ts";
import { ConfigError, parseConfig, readConfig } from "../../../host/config/read_config.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const DEFAULTS = { timeoutSeconds: 30, memoryMb: 256 };

function parse(file: unknown, env: Record<string, string> = {}) {
  return parseConfig(JSON.stringify(file), "/etc/hogpen/hogpen.json", DEFAULTS, (name) => env[name]);
}

async function problems(file: unknown, env: Record<string, string> = {}): Promise<string[]> {
  const error = await parse(file, env).catch((error) => error);
  assert.ok(error instanceof ConfigError, "Expected the file to be refused");
  return error.problems;
}

const project = (more: Record<string, unknown>) => ({ projects: [{ id: 1, token: "phc_a", ...more }] });

Deno.test("parseConfig() fills in every default", async () => {
  assert.deepEqual(await parse(project({ plugins: [{ id: 7, source: "plugins/a" }] })), {
    projects: [{
      id: 1,
      name: "Project 1",
      token: "phc_a",
      anonymizeIps: false,
      isolation: "each" as const,
      plugins: [{
        id: 7,
        teamId: 1,
        source: "/etc/hogpen/plugins/a",
        enabled: true,
        order: 0,
        config: {},
        attachments: {},
        timeoutSeconds: 30,
        memoryMb: 256,
        egress: { allow: [] },
        cell: null,
      }],
      destinations: [],
    }],
  });
});

Deno.test("parseConfig() keeps what the file says", async () => {
  const plugin = {
    id: 1,
    source: { inline: "export function onEvent() {}", name: "Inline" },
    enabled: false,
    order: 3,
    config: { deep: { list: [1, null, ""] } },
    timeoutSeconds: 0.5,
    memoryMb: 512,
    egress: { allow: ["10.1.2.3:5432", "*.internal.example", "10.0.0.0/8", "[fd00::1]:443", "db"] },
    cell: "fast",
  };
  const { projects } = await parse(project({ name: "N", anonymizeIps: true, plugins: [plugin] }));
  assert.deepEqual(projects[0]?.plugins[0], { ...plugin, teamId: 1, attachments: {} });
  assert.deepEqual([projects[0]?.name, projects[0]?.anonymizeIps], ["N", true]);
});

Deno.test("parseConfig() takes sources from the file's folder, and addresses as they are", async () => {
  const sources = ["./a", "../b.zip", "/abs/c", "file:d", "file:///abs/e", "https://github.com/PostHog/f"];
  const { projects } = await parse(project({ plugins: sources.map((source, i) => ({ id: i + 1, source })) }));
  assert.deepEqual(projects[0]?.plugins.map(({ source }) => source), [
    "/etc/hogpen/a",
    "/etc/b.zip",
    "/abs/c",
    "/etc/hogpen/d",
    "/abs/e",
    "https://github.com/PostHog/f",
  ]);
});

Deno.test('readConfig() replaces {"$file"} by the text of the file beside it, without the end of its last line', async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(folder.file("token"), "phc_from_file\n");
  const config = (name: string) => ({
    projects: [{ id: 1, token: { $file: name }, plugins: [], destinations: [] }],
  });
  await Deno.writeTextFile(folder.file("hogpen.json"), JSON.stringify(config("token")));
  const { projects } = await readConfig(folder.file("hogpen.json"), { timeoutSeconds: 30, memoryMb: 256 });
  assert.equal(projects[0]?.token, "phc_from_file");

  await Deno.writeTextFile(folder.file("hogpen.json"), JSON.stringify(config("none")));
  await assert.rejects(
    readConfig(folder.file("hogpen.json"), { timeoutSeconds: 30, memoryMb: 256 }),
    /projects\[0\]\.token: cannot read none: /,
  );
});

Deno.test('parseConfig() replaces {"$env"} anywhere', async () => {
  const file = {
    projects: [{
      id: 1,
      token: { $env: "TOKEN" },
      plugins: [{ id: 1, source: "a", config: { key: { $env: "KEY" }, list: [{ $env: "KEY" }] } }],
      destinations: [{ id: "cloud", type: "posthog", api_key: { $env: "KEY" } }],
    }],
  };
  const { projects } = await parse(file, { TOKEN: "phc_env", KEY: "phc_k" });
  assert.equal(projects[0]?.token, "phc_env");
  assert.deepEqual(projects[0]?.plugins[0]?.config, { key: "phc_k", list: ["phc_k"] });
  assert.equal(projects[0]?.destinations[0]?.options["api_key"], "phc_k");
});

Deno.test("parseConfig() names a missing variable once, with the path", async () => {
  assert.deepEqual(
    await problems(project({
      plugins: [{ id: 1, source: "a", config: { "a-b": { $env: "NOPE" }, other: { $env: "X", more: 1 } } }],
      destinations: [{ id: "cloud", type: "posthog", api_key: { $env: "NOPE" } }],
    })),
    [
      'projects[0].plugins[0].config["a-b"]: found no NOPE in the environment, expected it to be set',
      'projects[0].plugins[0].config.other: found an object with "$env", expected {"$env": "NAME"} alone',
      "projects[0].destinations[0].api_key: found no NOPE in the environment, expected it to be set",
    ],
  );
});

Deno.test("parseConfig() names every problem with its path, what was found and what was expected", async () => {
  assert.deepEqual(
    (await problems({
      projects: [
        {
          id: "one",
          token: "phx_personal",
          plugins: [
            { id: 1, source: 5, timeoutSeconds: 0, memoryMb: 1, unknown: true },
            { id: 1.5, source: "a", egress: { allow: ["not an address!"] }, attachments: { a: 1 } },
          ],
          destinations: [
            { id: "a b", type: "ndjson", path: "x" },
            { id: "k", type: "kafka" },
            { id: "w", type: "webhook", url: "ftp://user:secret@x", secret: "s" },
          ],
        },
        {},
      ],
      extra: 1,
    })).sort(),
    [
      'projects[0].id: found "one", expected a number',
      "projects[0].token: found a text of 12 characters, expected 1 to 64 ASCII characters that do not start with phx_",
      "projects[0].plugins[0].source: found 5, expected a string or an object",
      "projects[0].plugins[0].timeoutSeconds: found 0, expected a number of at least 0.05",
      "projects[0].plugins[0].memoryMb: found 1, expected a number of at least 96",
      "projects[0].plugins[0].unknown: found an unknown field, expected none of this name",
      "projects[0].plugins[1].id: found 1.5, expected a whole number",
      'projects[0].plugins[1].egress.allow[0]: found "not an address!", expected an address, network or host name, with :port or without',
      "projects[0].plugins[1].attachments.a: found 1, expected a string",
      'projects[0].destinations[0].id: found "a b", expected 1 to 100 letters, digits, _ or -',
      'projects[0].destinations[1].type: found "kafka", expected "posthog" or "postgres" or "webhook" or "ndjson"',
      "projects[0].destinations[2].url: found a text of 19 characters, expected an http or https address",
      "projects[0].destinations[2].secret: found a text of 1 characters, expected whsec_ followed by the base64 of 24 to 64 random bytes",
      "projects[1].id: found nothing, expected a number",
      "projects[1].token: found nothing, expected a string",
      "extra: found an unknown field, expected none of this name",
    ].sort(),
  );
});

Deno.test("parseConfig() wants ids, tokens and cells to be one project's own", async () => {
  const plugin = (id: number, cell?: string) => ({ id, source: "a", ...(cell ? { cell } : {}) });
  const out = { id: "out", type: "ndjson", path: "x" };
  assert.deepEqual(
    await problems({
      projects: [
        {
          id: 1,
          token: "phc_a",
          plugins: [plugin(1, "shared"), plugin(2, "shared"), plugin(1)],
          destinations: [out, out],
        },
        { id: 1, token: "phc_a", plugins: [plugin(2), plugin(4, "shared")], destinations: [out] },
      ],
    }),
    [
      'projects[0].destinations[1].id: found "out", the id of projects[0].destinations[0], expected one of its own',
      "projects[0].plugins[2].id: found 1, the id of projects[0].plugins[0], expected one of its own",
      "projects[1].id: found 1, the id of projects[0], expected one of its own",
      "projects[1].token: found the token of projects[0], expected one of its own",
      "projects[1].plugins[0].id: found 2, the id of projects[0].plugins[1], expected one of its own",
      "projects[1].plugins[1].cell: found a cell of projects[0], expected one of this project",
    ],
  );
});

Deno.test("parseConfig() refuses what is not JSON, not an object, or has no project", async () => {
  await assert.rejects(
    parseConfig("{", "f.json", DEFAULTS, () => undefined),
    /Cannot use f\.json:\n {2}the file is not JSON: /,
  );
  assert.deepEqual(await problems([]), ["the file: found an empty list, expected an object"]);
  assert.deepEqual(await problems({ projects: [] }), ["projects: found an empty list, expected at least 1 entry"]);
});

Deno.test("parseConfig() gives destinations their filter and the options of their type", async () => {
  const filter = { events: ["$pageview"], properties: { plan: "paid" } };
  const { projects } = await parse(project({
    destinations: [
      { id: "file", type: "ndjson", path: "out.ndjson", filter },
      { id: "cloud", type: "posthog", api_key: "phc_b", enabled: false },
    ],
  }));
  const [file, cloud] = projects[0]!.destinations;
  assert.deepEqual({ ...file, options: file?.options["path"] }, {
    id: "file",
    type: "ndjson",
    enabled: true,
    filter,
    options: "out.ndjson",
  });
  assert.deepEqual([cloud?.enabled, cloud?.filter, cloud?.options["host"]], [false, {}, "https://us.i.posthog.com"]);
});

Deno.test("readConfig() reads attachments from the file's folder and guesses their type", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeFile(folder.file("geo.mmdb"), new Uint8Array([0, 255, 1]));
  await Deno.writeTextFile(folder.file("rules.JSON"), "{}");
  const attachments = { db: "geo.mmdb", rules: "./rules.JSON" };
  const file = folder.file("hogpen.json");
  await Deno.writeTextFile(file, JSON.stringify(project({ plugins: [{ id: 1, source: "a", attachments }] })));
  const { projects } = await readConfig(file, DEFAULTS);
  assert.deepEqual(projects[0]?.plugins[0]?.attachments, {
    db: { content_type: "application/octet-stream", file_name: "geo.mmdb", contents: new Uint8Array([0, 255, 1]) },
    rules: { content_type: "application/json", file_name: "rules.JSON", contents: new TextEncoder().encode("{}") },
  });
  await Deno.remove(folder.file("geo.mmdb"));
  await assert.rejects(readConfig(file, DEFAULTS), (error: ConfigError) => {
    const missing = JSON.stringify(join(folder.path, "geo.mmdb"));
    assert.deepEqual(error.problems, [
      `projects[0].plugins[0].attachments.db: found ${missing}, expected a file that exists`,
    ]);
    return true;
  });
});

Deno.test("readConfig() refuses attachments that do not fit into one frame", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeFile(folder.file("half"), new Uint8Array(23 * 1024 * 1024));
  const attachments = { a: "half", b: "half" };
  await Deno.writeTextFile(
    folder.file("hogpen.json"),
    JSON.stringify(project({ plugins: [{ id: 1, source: "a", attachments }] })),
  );
  await assert.rejects(
    readConfig(folder.file("hogpen.json"), DEFAULTS),
    /plugins\[0\]\.attachments: found files of 48234496 bytes together, expected at most 46137344$/,
  );
});

Deno.test("readConfig() says when the file cannot be read", async () => {
  await assert.rejects(
    readConfig("/nowhere/hogpen.json", DEFAULTS),
    /^ConfigError: Cannot use \/nowhere\/hogpen\.json:\n {2}the file cannot be read/,
  );
});

Deno.test("defaultConfig() is one project with two plugins that exist", async () => {
  const config = defaultConfig(DEFAULTS);
  assert.deepEqual(config.projects.map(({ id, token }) => [id, token]), [[1, "phc_local"]]);
  assert.deepEqual(config.projects[0]?.plugins.map(({ id, order }) => [id, order]), [[1, 0], [2, 1]]);
  for (const { source } of config.projects[0]!.plugins) {
    assert.ok((await Deno.stat(join(source as string, "plugin.json"))).isFile);
  }
});

Deno.test("loadConfig() falls back to the default only when no file was named", async () => {
  await using folder = await temporaryFolder();
  const settings = { config: folder.file("hogpen.json"), taskTimeout: 5, pluginMemoryMb: 100 };
  const config = await loadConfig(settings, false);
  assert.deepEqual([config.projects[0]?.plugins[0]?.timeoutSeconds, config.projects[0]?.plugins[0]?.memoryMb], [
    5,
    100,
  ]);
  await assert.rejects(loadConfig(settings, true), ConfigError);
  await Deno.writeTextFile(settings.config, JSON.stringify(project({ token: "phc_file" })));
  assert.equal((await loadConfig(settings, false)).projects[0]?.token, "phc_file");
});
