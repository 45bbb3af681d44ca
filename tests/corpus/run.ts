/**
 * Runs a corpus of plugins: `deno task corpus --plugins <folder> --cases <cases.json> [id prefix …]`. The folder has
 * one sub-folder for each plugin, by the `plugin` name of the cases. Prints a line for each case that fails, and the
 * count at the end.
 * @module
 */

import { join } from "node:path";
import { corpusArguments, type CorpusOptions } from "./corpus_arguments.ts";
import { readCases } from "./corpus_case.ts";
import { stopBundler } from "./load_corpus_plugin.ts";
import { runCase } from "./run_case.ts";

export interface CorpusResult {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs cases whose ids begin with a name. A case is skipped when its plugin's folder is not there. */
export async function runCorpus(
  { plugins, cases, names = [], print = console.log }: CorpusOptions,
): Promise<CorpusResult> {
  const result: CorpusResult = { passed: 0, failed: 0, skipped: 0 };
  const all = await readCases(cases);
  const queue = all.filter(({ id }) => names.length === 0 || names.some((name) => id.startsWith(name)));

  async function work(): Promise<void> {
    for (let given = queue.shift(); given !== undefined; given = queue.shift()) {
      if ("unreadable" in given) {
        result.failed++;
        print(`FAIL ${given.id}: cannot be read: ${given.unreadable}`);
        continue;
      }
      const folder = join(plugins, given.plugin);
      if (!await isFolder(folder)) {
        result.skipped++;
        print(`skip ${given.id}: there is no folder ${folder}`);
        continue;
      }
      const found = await runCase(folder, given).catch((error) => [`could not be run: ${error?.message ?? error}`]);
      if (found.length === 0) result.passed++;
      else {
        result.failed++;
        print(`FAIL ${given.id}: ${found.join("; ")}`);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, navigator.hardwareConcurrency) }, work));
  await stopBundler();
  print(`${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
  return result;
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

if (import.meta.main) {
  const { failed } = await runCorpus(corpusArguments("corpus", "id prefix"));
  Deno.exit(failed > 0 ? 1 : 0);
}
