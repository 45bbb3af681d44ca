/**
 * Proves that the steps of "How to add" in docs/ARCHITECTURE.md are those by which everything that is there was added:
 * each destination, command, page, function and package is found in every place that its steps name.
 */

import assert from "node:assert/strict";
import { METHODS } from "../runtime/capabilities.ts";
import { destinationOptions } from "../host/destinations/destination_options.ts";
import { SERVICES } from "../runtime/protocol.ts";

const ROOT = new URL("../", import.meta.url);
const ARCHITECTURE = await read("docs/ARCHITECTURE.md");

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

function filesOf(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].filter(({ isFile }) => isFile).map(({ name }) => name);
}

/**
 * The steps under a heading; fails when they do not name the places, so that the test follows what a reader follows.
 */
function assertStepsName(heading: string, places: string[]): void {
  const [, steps = ""] = ARCHITECTURE.split(`\n### ${heading}`);
  const section = steps.split("\n##")[0] ?? "";
  assert.deepEqual(places.filter((place) => !section.includes(`\`${place}\``)), [], `the steps of "${heading}"`);
}

Deno.test("every destination is in all places that the steps for a destination name", async () => {
  assertStepsName("a destination", [
    "host/destinations/",
    "host/destinations/destination_options.ts",
    "host/destinations/create_sink.ts",
    "tests/host/destinations/",
    "docs/DESTINATIONS.md",
  ]);
  const sinks = await read("host/destinations/create_sink.ts");
  const schema = await read("hogpen.schema.json");
  const page = await read("docs/DESTINATIONS.md");
  for (const type of Object.keys(destinationOptions)) {
    assert(await exists(`host/destinations/${type}/${type}_options.ts`), type);
    assert(sinks.includes(`case "${type}"`), type);
    assert(schema.includes(`"const": "${type}"`), `${type}: deno task schema`);
    assert(await exists(`tests/host/destinations/${type}`), type);
    assert(page.includes(`\n## ${type}\n`), type);
  }
});

Deno.test("every file of a command is in the program", async () => {
  assertStepsName("a command", ["host/commands/", "host/commands/program/program.ts", "tests/host/commands/"]);
  const program = await read("host/commands/program/program.ts");
  const commands = [
    ...filesOf("host/commands").map((file) => `../${file}`),
    ...filesOf("host/commands/authors").map((file) => `../authors/${file}`),
  ];
  assert(commands.length > 15);
  for (const file of commands) assert(program.includes(`import("${file}")`), `${file} is in program.ts`);
});

Deno.test("every page has an address that the tests of pages open", async () => {
  assertStepsName("a page of the interface", ["ui/pages/", "ui/main.tsx", "tests/ui/every_page_test.ts"]);
  const main = await read("ui/main.tsx");
  const [, table = ""] = main.split("const PAGES");
  const addresses = Array.from(table.split("\n};")[0]?.matchAll(/^ {2}(\w+): \{ title/gm) ?? [], ([, name]) => name);
  assert(addresses.length > 5, "hardly any page was found: the pattern is wrong");
  const opened = await read("tests/ui/every_page_test.ts");
  for (const address of addresses) assert(new RegExp(`^ {2}"${address}"`, "m").test(opened), `${address} is opened`);
  const used = main.matchAll(/from "\.\/(pages\/[\w/]+\.tsx)"/g);
  const pages = Array.from(used, ([, path]) => path as string);
  for (const file of filesOf("ui/pages")) assert(pages.includes(`pages/${file}`), `${file} is shown by ui/main.tsx`);
});

Deno.test("every service that plugins ask for has its file on the host's side, and its name on the sandbox's", async () => {
  assertStepsName("a capability", ["runtime/protocol.ts", "host/services/", "sandbox/meta/", "sandbox/meta/meta.ts"]);
  const handlers = new Map<string, string>();
  const files = [...filesOf("host/services"), "api/api.ts", "geoip/geoip.ts"];
  for (const file of files) handlers.set(file, await read(`host/services/${file}`));
  const sandbox = (await Promise.all(filesOf("sandbox/meta").map((file) => read(`sandbox/meta/${file}`)))).join("\n");
  const created = await read("host/services/create_plugin_services.ts");
  for (const service of SERVICES) {
    const [file] = [...handlers].find(([, code]) => code.includes(`"${service}":`) || code.includes(`"${service}"(`)) ??
      [];
    assert(file !== undefined, `${service} is handled in host/services/`);
    assert(created.includes(`"./${file}"`), `${file} is in create_plugin_services.ts`);
    assert(sandbox.includes(`"${service}"`), `${service} is called in sandbox/meta/`);
  }
});

Deno.test("every function that the service calls in plugins is described to people", async () => {
  assertStepsName("a function that plugins export", ["runtime/capabilities.ts", "host/http/describe_plugin.ts"]);
  const words = await read("host/http/describe_plugin.ts");
  // `getSettings` is asked for how exports are batched, and does nothing that people would want to know of.
  const silent = METHODS.filter((method) => !new RegExp(`^ {2}${method}: "`, "m").test(words));
  assert.deepEqual(silent, ["getSettings"]);
});
