/**
 * Proves that every package is in one group, and that what the first start brings is what the service imports.
 */

import assert from "node:assert/strict";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { ownPackages } from "../../../host/packages/package_files.ts";
import { isPluginPackage, PACKAGE_GROUPS, packagesOf } from "../../../host/packages/package_groups.ts";
import { isProvidedModule, PROVIDED_MODULES } from "../../../runtime/modules.ts";

const ROOT = new URL("../../../", import.meta.url);
/** Provided by Deno, or by our own code under the package's name. */
const NOT_INSTALLED = ["@posthog/plugin-scaffold", "crypto", "node-fetch", "stream", "url", "zlib"];

interface Module {
  specifier: string;
  dependencies?: { specifier: string; isDynamic?: boolean; code?: { specifier?: string } }[];
}

Deno.test("every npm package of deno.json is in exactly one group", () => {
  const imported = Object.entries(ownPackages().imports).filter(([, target]) => target.startsWith("npm:"));
  assert.deepEqual(packagesOf().toSorted(), imported.map(([name]) => name).sort(), "host/packages/package_groups.ts");
});

Deno.test("the group of plugins is what plugins may import, but for what Deno and the sandbox have themselves", () => {
  assert.deepEqual(PACKAGE_GROUPS.plugins.filter((name) => !isProvidedModule(name)), []);
  assert.deepEqual(PROVIDED_MODULES.filter((name) => !isPluginPackage(name)), NOT_INSTALLED);
});

/** Each group with the programs that may import it, besides the packages of the service. */
const PROGRAMS: Record<string, { entries: string[]; groups: (keyof typeof PACKAGE_GROUPS)[] }> = {
  "before any package is there": { entries: ["main.ts", "tests/run.ts"], groups: [] },
  "start": {
    entries: ["host/commands/program/run_program.ts", "host/commands/start.ts", "sandbox/boot/cell.ts"],
    groups: ["service"],
  },
  "sandboxes": { entries: ["sandbox/boot/worker.ts"], groups: ["service"] },
  "the compiler": { entries: ["host/loader/compile/compile_process.ts"], groups: ["service"] },
  "traces": { entries: ["host/telemetry/spans/tracing.ts"], groups: ["service", "tracing"] },
  "Kafka": { entries: ["host/log/kafka/kafka_from_settings.ts"], groups: ["service", "kafka"] },
  "bundle": { entries: ["host/commands/authors/bundle.ts"], groups: ["service", "bundle"] },
  "test": { entries: ["testing/jest/run_tests.ts"], groups: ["service", "jest"] },
};

for (const [what, { entries, groups }] of Object.entries(PROGRAMS)) {
  Deno.test(`the code of ${what} imports packages of its groups alone`, async () => {
    const allowed: string[] = packagesOf(groups);
    for (const entry of entries) {
      const imported = await packagesThatRun(entry, what === "before any package is there" ? "at once" : "at any time");
      assert.deepEqual(imported.map(packageOf).filter((name) => !allowed.includes(name)), [], entry);
    }
  });
}

/** `hono/route` is a part of hono; `@posthog/plugin-scaffold/test/utils` has a name of its own in deno.json. */
function packageOf(name: string): string {
  return name.replace(/^hono\/.*/, "hono");
}

/** Names in deno.json that the modules import when they are loaded, or also later. */
async function packagesThatRun(entry: string, when: "at once" | "at any time"): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL(entry, ROOT))],
    cwd: fileURLToPath(ROOT),
  }).output();
  const { roots, modules }: { roots: string[]; modules: Module[] } = JSON.parse(new TextDecoder().decode(stdout));
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const names = new Set<string>();
  const seen = new Set<string>();
  const queue = [...roots];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const { specifier, isDynamic, code } of known.get(next)?.dependencies ?? []) {
      if (code?.specifier === undefined || (isDynamic && when === "at once")) continue;
      if (specifier.startsWith(".") || specifier.startsWith("file:")) queue.push(code.specifier);
      else if (!isBuiltin(specifier)) names.add(specifier);
    }
  }
  return [...names];
}
