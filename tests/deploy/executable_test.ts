/**
 * Proves that `deno task compile` builds an executable, and that it has every file which the program loads by its
 * address while it runs: deno puts in what is imported, and what the command names.
 */

import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../kit/temporary_folder.ts";

const ROOT = new URL("../../", import.meta.url);
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as {
  tasks: { compile: { command: string } };
};

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

/**
 * deno downloads the program that it puts the files into, which a test does not. Here that is deno itself, so what is
 * built is complete but does not start the service.
 */
Deno.test("the command builds it from everything that is installed", async () => {
  await using folder = await temporaryFolder();
  const output = folder.file("hogpen");
  const [prefetch, ...steps] = tasks.compile.command.replace("--output hogpen", `--output ${output}`).split(" && ");
  assert.equal(prefetch, "deno run -A main.ts prefetch --all", "tests have these packages already");
  for (const step of steps) {
    const [, ...args] = step.split(" ");
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: fileURLToPath(ROOT),
      env: { DENORT_BIN: Deno.execPath() },
      stdout: "null",
      stderr: "piped",
    }).output();
    assert(success, `${step}:\n${new TextDecoder().decode(stderr).slice(-2000)}`);
  }
  const { size } = await Deno.stat(output);
  assert(size > (await Deno.stat(Deno.execPath())).size + 100e6, `the packages are not in it: it has ${size} bytes`);
});

Deno.test("what is left out of the executable is there: a new version of a package has its own folder", async () => {
  const excluded = Array.from(tasks.compile.command.matchAll(/--exclude (\S+)/g), ([, path = ""]) => path);
  assert.equal(excluded.length, 1);
  for (const path of excluded) await Deno.stat(new URL(path, ROOT));
});
