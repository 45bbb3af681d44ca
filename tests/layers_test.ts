import assert from "node:assert/strict";
import { join, relative, resolve } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;

/** What the code of a folder may import of the project's own code. */
const ALLOWED: Record<string, string[]> = {
  runtime: ["runtime"],
  sandbox: ["sandbox", "runtime"],
  host: ["host", "runtime"],
};

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

function importsOf(path: string): string[] {
  const code = Deno.readTextFileSync(path);
  const specifiers = code.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|new URL\(\s*)"([^"]+)"/g);
  return Array.from(specifiers, ([, specifier]) => specifier as string);
}

for (const [layer, allowed] of Object.entries(ALLOWED)) {
  Deno.test(`${layer}/ imports only ${allowed.join(", ")} of the project`, () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const path of sourceFiles(join(ROOT, layer))) {
      for (const specifier of importsOf(path).filter((specifier) => specifier.startsWith("."))) {
        const target = relative(ROOT, resolve(path, "..", specifier));
        if (!target.endsWith(".ts")) continue;
        seen++;
        if (!allowed.includes(target.split("/")[0] as string)) {
          wrong.push(`${relative(ROOT, path)} → ${target}`);
        }
      }
    }
    assert(seen > 0, "no import was found: the pattern is wrong");
    assert.deepEqual(wrong, []);
  });
}

Deno.test("runtime/ does no I/O: it names neither Deno nor a built-in module nor a package", () => {
  for (const path of sourceFiles(join(ROOT, "runtime"))) {
    const foreign = importsOf(path).filter((specifier) => !specifier.startsWith("."));
    assert.deepEqual(foreign, [], relative(ROOT, path));
    assert.doesNotMatch(
      Deno.readTextFileSync(path).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""),
      /\bDeno\./,
      relative(ROOT, path),
    );
  }
});
