/**
 * `deno task bench <name>` runs `bench/<name>.ts`.
 * @module
 */

import { basename } from "node:path";

const benchmarks = [...Deno.readDirSync(import.meta.dirname as string)]
  .map((entry) => basename(entry.name, ".ts"))
  .filter((name) => !["run", "workload", "peers", "kit", "json_limit", "soak"].includes(name))
  .sort();
const name = Deno.args[0] ?? "";
if (!benchmarks.includes(name)) {
  console.error(`Cannot run benchmark "${name}": expected one of ${benchmarks.join(", ")}`);
  Deno.exit(2);
}
await import(`./${name}.ts`);
