/**
 * What the tasks on a corpus are told.
 * @module
 */

import { parseArgs } from "node:util";

export interface CorpusArguments {
  /** The folder with a sub-folder for each plugin. */
  plugins: string;
  /** The file with the cases. */
  cases: string;
  /** Which of them; empty: all. */
  names?: string[];
}

export interface CorpusOptions extends CorpusArguments {
  print?: (line: string) => void;
}

/** Exits with 2 and the usage when something is missing. */
export function corpusArguments(task: string, name: string): CorpusArguments {
  const { values: { plugins, cases }, positionals } = parseArgs({
    options: { plugins: { type: "string" }, cases: { type: "string" } },
    allowPositionals: true,
  });
  if (plugins === undefined || cases === undefined) {
    console.error(`Usage: deno task ${task} --plugins <folder> --cases <cases.json> [${name} …]`);
    Deno.exit(2);
  }
  return { plugins, cases, names: positionals };
}
