/**
 * Proves that the executable which `deno task compile` builds has every file that the program loads by its address
 * while it runs: deno puts in what is imported, and what the command names.
 */

import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** What the executable does without, and why. */
const LEFT_OUT: Record<string, string> = {
  "host/http/ui/build_ui.ts": "what it builds is put in: its bundler is a program of its own",
};
/** What the command makes before it builds. */
const MADE = ["ui/built.json"];

async function sources(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await sources(path));
    else if (/\.tsx?$/.test(name)) found.push(path);
  }
  return found;
}

/** Files of ours that the module and all that it imports consist of. */
async function graphOf(entry: string): Promise<Set<string>> {
  const args = ["info", "--json", fileURLToPath(new URL(entry, ROOT))];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: fileURLToPath(ROOT) }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: { local?: string }[] };
  return new Set(modules.flatMap(({ local }) => local === undefined ? [] : [relative(fileURLToPath(ROOT), local)]));
}

Deno.test("the executable has every file that is loaded by its address", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as {
    tasks: { compile: { command: string } };
  };
  const included = Array.from(tasks.compile.command.matchAll(/--include (\S+)/g), ([, path = ""]) => path);
  assert(included.length > 5);
  for (const path of included) if (!MADE.includes(path)) await Deno.stat(new URL(path, ROOT));

  const graphs = await Promise.all(["main.ts", ...included.filter((path) => path.endsWith(".ts"))].map(graphOf));
  const has = new Set([...included, ...graphs.flatMap((graph) => [...graph])]);
  const addressed = new Map<string, string>();
  for (
    const path of ["main.ts", ...(await Promise.all(["host", "runtime", "sandbox", "testing"].map(sources))).flat()]
  ) {
    const code = await Deno.readTextFile(new URL(path, ROOT));
    for (const [, target = ""] of code.matchAll(/new URL\("([^"]+\.tsx?)", import\.meta\.url\)/g)) {
      addressed.set(relative(fileURLToPath(ROOT), fileURLToPath(new URL(target, new URL(path, ROOT)))), path);
    }
    for (const [, target = ""] of code.matchAll(/new URL\("([^"]+\.tsx?)", ROOT\)/g)) addressed.set(target, path);
  }
  assert(addressed.size > 8, "hardly any address was found: the pattern is wrong");
  const missing = Array.from(addressed).filter(([path]) => !has.has(path) && !(path in LEFT_OUT));
  assert.deepEqual(missing, [], "name it with --include in deno.json, or say why it is left out");
  for (const path of Object.keys(LEFT_OUT)) assert(addressed.has(path), `${path} is loaded by nothing`);
});
