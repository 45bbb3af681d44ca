/**
 * Proves that the rooms of the code keep their distance: who may import whom stands in one table, and the drawing in
 * docs/ARCHITECTURE.md shows what the imports say.
 */

import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;

/**
 * What the code of each room may import of the project's other rooms. `host` stands for the files that lie directly in
 * host/: the clock, the version, and errors that every room knows. A new room is a new row; a new entry in a row needs
 * a reason.
 */
const MAY_IMPORT: Record<string, string[]> = {
  "main.ts": ["host/commands", "host/packages", "sandbox/boot", "testing"],

  "runtime": [],

  "sandbox/walls": [],
  "sandbox/boot": ["runtime", "sandbox/events", "sandbox/fetch", "sandbox/plugin", "sandbox/walls"],
  "sandbox/events": ["runtime", "sandbox/boot", "sandbox/fetch", "sandbox/plugin", "sandbox/walls"],
  "sandbox/fetch": ["runtime", "sandbox/events", "sandbox/plugin", "sandbox/walls"],
  "sandbox/meta": ["runtime", "sandbox/boot", "sandbox/fetch", "sandbox/plugin", "sandbox/walls"],
  "sandbox/plugin": ["runtime", "sandbox/boot", "sandbox/events", "sandbox/fetch", "sandbox/meta", "sandbox/walls"],

  "host": [],
  // It runs before any package is there, so it imports nothing that imports one.
  "host/packages": ["host"],
  "host/sqlite": ["host"],
  "host/cache": ["host"],
  "host/store": ["runtime", "host", "host/sqlite"],
  // The event log on Kafka keeps its readers' places in the store's Postgres.
  "host/log": ["host", "host/config", "host/sqlite", "host/store"],
  "host/config": ["runtime", "host", "host/destinations"],
  "host/loader": ["runtime", "host", "host/cells", "host/config", "host/sqlite", "host/store", "host/packages"],
  "host/services": ["runtime", "host", "host/cache", "host/log", "host/store"],
  "host/cells": ["runtime", "host", "host/config", "host/loader", "host/services", "host/store", "host/packages"],
  "host/capture": ["runtime", "host", "host/config", "host/log", "host/packages"],
  "host/router": ["runtime", "host", "host/cells", "host/log"],
  "host/consumers": [
    "runtime",
    "host",
    "host/cells",
    "host/config",
    "host/loader",
    "host/log",
    "host/router",
    "host/store",
  ],
  "host/destinations": ["runtime", "host/config", "host/consumers", "host/log"],
  "host/jobs": ["runtime", "host", "host/cells", "host/consumers", "host/loader", "host/store"],
  "host/schedule": ["runtime", "host", "host/cells", "host/loader", "host/store"],
  "host/dry_run": [
    "runtime",
    "host/cache",
    "host/cells",
    "host/config",
    // Events are finished as the router does it and given as consumers do, so that what is tried is what happens.
    "host/consumers",
    "host/loader",
    "host/log",
    "host/router",
    "host/services",
    "host/store",
    "testing",
    "host/packages",
  ],
  "host/alerts": ["host/cells", "host/consumers", "host/managed", "host/store"],
  "host/managed": ["host/config", "host/store"],
  "host/upstream": ["host/capture", "host/config"],
  "host/telemetry": [
    "runtime",
    "host",
    "host/packages",
    "host/cells",
    "host/consumers",
    "host/http",
    "host/log",
    "host/router",
    "host/services",
    "host/store",
  ],
  "host/http": [
    "runtime",
    "host",
    "host/alerts",
    "host/capture",
    "host/cells",
    "host/config",
    "host/consumers",
    "host/destinations",
    "host/dry_run",
    "host/loader",
    "host/managed",
    "host/log",
    // The page is built by packages that come when it is first opened.
    "host/packages",
    "host/schedule",
    "host/services",
    "host/store",
    "host/telemetry",
    "host/upstream",
  ],
  "host/service": [
    "runtime",
    "host",
    "host/alerts",
    "host/cache",
    "host/capture",
    "host/cells",
    "host/config",
    "host/consumers",
    "host/destinations",
    "host/dry_run",
    "host/http",
    "host/jobs",
    "host/loader",
    "host/log",
    "host/managed",
    "host/packages",
    "host/router",
    "host/schedule",
    "host/services",
    // The data folder is opened, and its databases are mended, before anything is built on them.
    "host/sqlite",
    "host/store",
    "host/telemetry",
    "host/upstream",
  ],
  // Browser code. The host builds it from its files and imports nothing of it, nor it anything of the host.
  "ui": ["ui/lib", "ui/pages"],
  "ui/lib": [],
  "ui/pages": ["ui/lib"],
  "testing": [
    "runtime",
    "sandbox/boot",
    "sandbox/fetch",
    "host/cache",
    "host/cells",
    "host/loader",
    "host/log",
    "host/services",
    "host/store",
    "host/packages",
  ],
  "host/commands": [
    "runtime",
    "host",
    // `prefetch` makes what cells start from.
    "host/cells",
    "host/config",
    "host/consumers",
    "host/dry_run",
    "host/http",
    "host/loader",
    "host/managed",
    "host/packages",
    "host/service",
    "testing",
    "host/log",
    "host/router",
  ],
};

/** Every folder with the product's own code. */
const LAYERS = ["runtime", "sandbox", "host", "testing", "ui"];

/** As in deno.json. */
const WIDEST_LINE = 120;

/** A room with more files of its own than this is several rooms. */
const MOST_FILES = 16;

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(ROOT, folder))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (/\.tsx?$/.test(entry.name)) yield path;
  }
}

/** The room of a file: its layer, and in host/, sandbox/ and ui/ the folder below it. */
function roomOf(path: string): string {
  const parts = path.split("/");
  const depth = ["host", "sandbox", "ui"].includes(parts[0] as string) ? Math.min(2, parts.length - 1) : 1;
  return parts.slice(0, depth).join("/");
}

function specifiersOf(path: string): string[] {
  const code = Deno.readTextFileSync(join(ROOT, path));
  const specifiers = code.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|new URL\(\s*)"([^"]+)"/g);
  return Array.from(specifiers, ([, specifier]) => specifier as string);
}

/** Every import from one room into another: `[from, to, where]`. */
function importsBetweenRooms(): [string, string, string][] {
  const imports: [string, string, string][] = [];
  const files = ["main.ts", ...LAYERS.flatMap((layer) => [...sourceFiles(layer)])];
  for (const file of files) {
    for (const specifier of specifiersOf(file).filter((specifier) => specifier.startsWith("."))) {
      const target = normalize(join(dirname(file), specifier));
      if (!/\.tsx?$/.test(target)) continue;
      if (roomOf(target) !== roomOf(file)) imports.push([roomOf(file), roomOf(target), `${file} → ${target}`]);
    }
  }
  return imports;
}

const IMPORTS = importsBetweenRooms();

Deno.test("each room imports only the rooms that the table allows it", () => {
  assert(IMPORTS.length > 100, "hardly any import was found: the pattern is wrong");
  const wrong = IMPORTS.filter(([from, to]) => !MAY_IMPORT[from]?.includes(to)).map(([, , where]) => where);
  assert.deepEqual(wrong, [], "add the room, or the import with its reason, to MAY_IMPORT in tests/layers_test.ts");
});

Deno.test("the table names no room and allows no import that does not exist", () => {
  const seen = new Set(IMPORTS.map(([from, to]) => `${from} → ${to}`));
  const idle = Object.entries(MAY_IMPORT)
    .flatMap(([from, rooms]) => rooms.map((to) => `${from} → ${to}`))
    .filter((pair) => !seen.has(pair));
  assert.deepEqual(idle, []);
});

Deno.test("the host and the sandbox meet in runtime/ alone", () => {
  const layer = (room: string) => room.split("/")[0];
  // The test kit starts a plugin as the host does, in a sandbox that is told what time it is.
  const across = IMPORTS.filter(([from, to]) =>
    layer(from) !== layer(to) && from !== "main.ts" && from !== "testing" && to !== "testing" && to !== "runtime"
  );
  assert.deepEqual(across, []);
});

Deno.test("runtime/ does no I/O: it names neither Deno nor a built-in module nor a package", () => {
  for (const path of sourceFiles("runtime")) {
    assert.deepEqual(specifiersOf(path).filter((specifier) => !specifier.startsWith(".")), [], path);
    const code = Deno.readTextFileSync(join(ROOT, path)).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(code, /\bDeno\./, path);
  }
});

Deno.test("no folder of the source holds more files than a reader can take in", () => {
  const counts = new Map<string, number>();
  for (const layer of LAYERS) {
    for (const file of sourceFiles(layer)) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  assert.deepEqual([...counts].filter(([, count]) => count > MOST_FILES), []);
});

Deno.test("no comment of the source is wider than code may be", () => {
  const wide = LAYERS.flatMap((layer) => [...sourceFiles(layer)]).flatMap((file) => {
    const lines = Deno.readTextFileSync(join(ROOT, file)).split("\n");
    const isWide = (line: string) => line.length > WIDEST_LINE && /^\s*(?:\/\/|\/?\*)/.test(line);
    return lines.flatMap((line, index) => isWide(line) ? [`${file}:${index + 1}`] : []);
  });
  assert.deepEqual(wide, [], "deno fmt leaves comments as they are: break these lines");
});

Deno.test("the drawing of the rooms has every room, and each of its arrows is an import", async () => {
  const page = await Deno.readTextFile(join(ROOT, "docs/ARCHITECTURE.md"));
  const drawing = page.match(/```mermaid\n(flowchart[\s\S]*?)```/)?.[1] ?? "";
  const names = new Map(Array.from(drawing.matchAll(/(\w+)\["([\w/.]+)/g), ([, id, name]) => [id, name] as const));
  const rooms = new Set(IMPORTS.flatMap(([from, to]) => [from, to]).filter((room) => room !== "host"));
  assert.deepEqual([...names.values()].sort(), [...rooms].sort());

  const arrows = Array.from(drawing.matchAll(/^\s*(\w+) --> ([\w &]+)$/gm)).flatMap(([, from, to]) =>
    (to as string).split("&").map((id) => [names.get(from as string), names.get(id.trim())])
  );
  assert(arrows.length > 10, "hardly any arrow was found: the pattern is wrong");
  const untrue = arrows.filter(([from, to]) => !IMPORTS.some(([a, b]) => a === from && b === to));
  assert.deepEqual(untrue, []);
});

Deno.test("the documents name no file that does not exist", async () => {
  const pages = [
    "README.md",
    "CONTRIBUTING.md",
    ...[...Deno.readDirSync(join(ROOT, "docs"))].map(({ name }) => `docs/${name}`),
  ];
  const missing: string[] = [];
  let seen = 0;
  for (const page of pages.filter((page) => page.endsWith(".md"))) {
    const text = await Deno.readTextFile(join(ROOT, page));
    for (
      const [, path] of text.matchAll(/`((?:host|sandbox|runtime|tests|bench|plugins|testing|ui|deploy)\/[\w/.-]+)`/g)
    ) {
      seen++;
      const exists = await Deno.stat(join(ROOT, path as string)).then(() => true, () => false);
      if (!exists) missing.push(`${page}: ${path}`);
    }
  }
  assert(seen > 30, "hardly any path was found: the pattern is wrong");
  assert.deepEqual(missing, []);
});

Deno.test("every file that ARCHITECTURE names without its folder exists in some room", async () => {
  const page = await Deno.readTextFile(join(ROOT, "docs/ARCHITECTURE.md"));
  const files = LAYERS.flatMap((layer) => [...sourceFiles(layer)]);
  const named = Array.from(page.matchAll(/`([a-z_]+(?:\/[a-z_]+)?\.tsx?)`/g), ([, name]) => name as string);
  assert(named.length > 10, "hardly any name was found: the pattern is wrong");
  const isThere = (name: string) => files.some((file) => `/${file}`.endsWith(`/${name}`));
  // Whole paths are looked at above.
  const missing = named.filter((name) => name !== "main.ts" && !name.startsWith("tests/") && !isThere(name));
  assert.deepEqual(missing, []);
});
