/**
 * `import`: turns a hogpen.json into things that are managed in the page and through the API. It writes to the store
 * directly, so that it works while the service is down; a running service applies the changes within seconds.
 * @module
 */

import { parseEntries } from "../config/read_config.ts";
import { importConfig } from "../service/upkeep/whole_config/import_config.ts";
import { readOwnConfig, withConfigErrors, withManaged } from "./program/managed_store.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";

/** The name in the audit for someone at the machine's command line. */
const ACTOR = "command line";

/** Imports what a hogpen.json contains. Rejects with a CommandError. */
export async function importAll(
  path: string,
  { dryRun = false }: { dryRun?: boolean },
  { settings, configGiven }: GivenSettings,
): Promise<void> {
  const own = await readOwnConfig(settings, configGiven);
  const text = await Deno.readTextFile(path).catch((cause) => {
    throw new CommandError(`Cannot read ${path}: ${cause.message}`, EXIT_USAGE, { cause });
  });
  const entries = await withConfigErrors(() => parseEntries(text, path));
  await withManaged(settings, async (things) => {
    const report = await importConfig({ path, entries, own, things, actor: ACTOR, dryRun }).catch((cause) => {
      throw new CommandError(cause instanceof Error ? cause.message : String(cause), EXIT_USAGE, { cause });
    });
    const verb = (word: string) => dryRun ? `would ${word}` : `${word}d`;
    for (const each of report.made) terminal.print(`${verb("create")} ${each}`);
    for (const each of report.changed) terminal.print(`${verb("change")} ${each}`);
    for (const each of report.left) terminal.note(`left as it is: ${each}`);
    for (const each of report.notes) terminal.note(each);
    if (report.made.length + report.changed.length === 0) terminal.note("There was nothing to import");
  });
}
