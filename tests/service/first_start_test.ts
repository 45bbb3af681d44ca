/**
 * Proves what happens in a clone in which nothing is installed yet, with and without a registry. The packages come from
 * Deno's cache, which has them because this suite uses all of them; the registry is away for every process in it.
 */

import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getPackages } from "../../host/packages/get_packages.ts";
import { openPackageFolder, type PackageFolder } from "../../host/packages/package_files.ts";
import { PACKAGE_GROUPS } from "../../host/packages/package_groups.ts";
import { eventually } from "../kit/eventually.ts";
import { type RunningService, startTestService } from "../kit/service.ts";
import { type TemporaryFolder, temporaryFolder } from "../kit/temporary_folder.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** A port on which nobody listens. */
const AWAY = { HTTPS_PROXY: "http://127.0.0.1:1" };

const NEEDED = ["pg", "aws-sdk", "@google-cloud/bigquery", "@google-cloud/pubsub", "snowflake-sdk", "ethers"];
const CONFIG = {
  projects: [
    {
      id: 1,
      token: "phc_needy",
      plugins: NEEDED.map((name, index) => ({
        id: index + 1,
        source: {
          name,
          inline: `import * as it from "${name}";
            export function processEvent(event) {
              event.properties["${name}"] = Object.keys(it).length > 0;
              return event;
            }`,
        },
      })),
    },
    {
      id: 2,
      token: "phc_plain",
      plugins: [{ id: 11, source: { name: "plain", inline: "export function processEvent(event) { return event }" } }],
    },
  ],
};

interface Clone extends AsyncDisposable {
  main: string;
  folder: PackageFolder;
}

/** The program as it is cloned. */
async function clone(): Promise<Clone> {
  const place: TemporaryFolder = await temporaryFolder();
  for (const name of ["main.ts", "deno.json", "deno.lock"]) await Deno.copyFile(join(ROOT, name), place.file(name));
  for (const name of ["host", "runtime", "sandbox", "testing", "plugins"]) {
    await cp(join(ROOT, name), place.file(name), { recursive: true });
  }
  return {
    main: place.file("main.ts"),
    folder: openPackageFolder(`${place.path}/`),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

async function statesOf(service: RunningService): Promise<[number, string, string | null][]> {
  const { results } = await service.api<{ results: { id: number; state: string; reason: string | null }[] }>(
    "/_hogpen/api/plugin_configs",
  );
  return results.map(({ id, state, reason }) => [id, state, reason]);
}

Deno.test("a first start gets what the service needs, in one line, and then what its plugins need", async () => {
  await using copy = await clone();
  await using service = await startTestService({ main: copy.main, config: CONFIG, env: AWAY });
  await service.capture({ api_key: "phc_needy", event: "hello", distinct_id: "me", properties: {} });
  const [event] = await service.events(1);
  for (const name of NEEDED) assert.equal(event?.properties[name], true, name);
  const got = service.output().split("\n").filter((line) => line.includes("Getting"));
  assert.match(got[0] ?? "", /^Getting what the service needs, once \(\d+ packages, \d+ MB\) …$/);
  // One line, or two when the plugins took long to compile; no package is fetched twice.
  const named = got.slice(1).flatMap((line) => (/Getting (.+) for plugins, once/.exec(line)?.[1] ?? "").split(", "));
  assert.deepEqual(named.sort(), NEEDED.toSorted());
  const others = [...PACKAGE_GROUPS.scripts, ...PACKAGE_GROUPS.bundle, ...PACKAGE_GROUPS.kafka, "faker", "expect"];
  for (const name of others) await assert.rejects(Deno.stat(`${copy.folder.root}node_modules/${name}`), name);
});

Deno.test("without a registry plugins wait for their packages and say so, the others run, and nothing is lost", async () => {
  await using copy = await clone();
  await using emptyCache = await temporaryFolder();
  await getPackages(PACKAGE_GROUPS.service, { folder: copy.folder, onNotice: () => {}, env: AWAY });
  await using service = await startTestService({
    main: copy.main,
    config: CONFIG,
    env: { ...AWAY, DENO_DIR: emptyCache.path },
  });
  await service.capture({ api_key: "phc_needy", event: "kept", distinct_id: "me", properties: {} });
  await service.capture({ api_key: "phc_plain", event: "passes", distinct_id: "me", properties: {} });
  assert.equal((await service.events(1, 2))[0]?.event, "passes");
  const states = await eventually("every plugin says why it waits", async () => {
    const states = await statesOf(service);
    return states.slice(0, NEEDED.length).every(([, , reason]) => reason?.includes("tried again")) ? states : null;
  });
  for (const [index, name] of NEEDED.entries()) {
    const [, state, reason] = states[index] ?? [];
    assert.equal(state, "loading", name);
    assert.match(reason ?? "", new RegExp(`^waiting for ${name}: .+\\. It is tried again in \\d+ s$`), name);
  }
  assert.equal((await service.events(0, 1)).length, 0);

  await getPackages(NEEDED, { folder: copy.folder, onNotice: () => {}, env: AWAY });
  const [event] = await service.events(1, 1);
  for (const name of NEEDED) assert.equal(event?.properties[name], true, name);

  // What is there is there: the next start needs nobody.
  await service.end("SIGTERM");
  await service.start();
  await eventually("all plugins run", async () => (await statesOf(service)).every(([, state]) => state === "running"));
});

Deno.test("a first start without a registry says in a line what it is missing", async () => {
  await using copy = await clone();
  await using emptyCache = await temporaryFolder();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", copy.main, "start"],
    env: { ...AWAY, DENO_DIR: emptyCache.path, NO_COLOR: "1" },
  }).output();
  const [getting, cannot, ...rest] = new TextDecoder().decode(stderr).trim().split("\n");
  assert.deepEqual([code, stdout.length, rest], [1, 0, []]);
  assert.match(getting ?? "", /^Getting what the service needs/);
  assert.match(cannot ?? "", /^Cannot get what the service needs: .+registry/);
});
