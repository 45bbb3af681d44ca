/**
 * Measures the installed packages: `deno task sizes` writes `host/packages/package_sizes.json`. All of them must be
 * there (`deno install`).
 * @module
 */

const PACKAGES = new URL("../../node_modules/.deno/", import.meta.url);
const TARGET = new URL("../../host/packages/package_sizes.json", import.meta.url);
/** Smaller ones are not worth a line. */
const LISTED_KB = 150;
const BLOCK_KB = 4;

const sizes: [string, number][] = [];
for await (const { name, isDirectory } of Deno.readDir(PACKAGES)) {
  if (!isDirectory || !name.includes("@")) continue;
  const kilobytes = await sizeOf(new URL(`${encodeURI(name)}/`, PACKAGES));
  const plain = name.replace("+", "/").replace(/_.*$/, "");
  if (kilobytes >= LISTED_KB) sizes.push([plain, kilobytes]);
}
const sorted = Object.fromEntries(sizes.sort(([a], [b]) => a < b ? -1 : 1));
await Deno.writeTextFile(TARGET, `${JSON.stringify(sorted, null, 2)}\n`);

async function sizeOf(folder: URL): Promise<number> {
  let kilobytes = 0;
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const url = new URL(encodeURIComponent(name) + (isDirectory ? "/" : ""), folder);
    if (isDirectory) kilobytes += await sizeOf(url);
    if (isFile) kilobytes += Math.ceil((await Deno.stat(url)).size / 1024 / BLOCK_KB) * BLOCK_KB;
  }
  return kilobytes;
}
