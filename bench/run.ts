/**
 * `deno task bench <name>` runs `bench/<name>.ts`, once the packages are there that benchmarks use.
 * @module
 */

import { basename } from "node:path";
import { getPackages } from "../host/packages/get_packages.ts";
import { packagesOf } from "../host/packages/package_groups.ts";

const benchmarks = [...Deno.readDirSync(import.meta.dirname as string)]
  .map((entry) => basename(entry.name, ".ts"))
  .filter((name) => !["run", "workload", "peers", "kit", "json_limit", "soak"].includes(name))
  .sort();
const name = Deno.args[0] ?? "";
if (!benchmarks.includes(name)) {
  console.error(`Cannot run benchmark "${name}": expected one of ${benchmarks.join(", ")}`);
  Deno.exit(2);
}
await getPackages(packagesOf(), { what: "what the benchmarks need" });
await import(`./${name}.ts`);
