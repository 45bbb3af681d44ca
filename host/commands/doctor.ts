/**
 * `doctor`: checks everything that the service depends on, and says what is wrong and how to fix it.
 * @module
 */

import { loadConfig } from "../config/load_config.ts";
import type { HogpenConfig } from "../config/config.ts";
import { ConfigError } from "../config/read_config.ts";
import { missingPackages, ownPackages } from "../packages/package_files.ts";
import { PACKAGE_GROUPS } from "../packages/package_groups.ts";
import { checkData } from "../service/upkeep/doctor/check_data.ts";
import { checkReach, checkService } from "../service/upkeep/doctor/check_reach.ts";
import { type Finding, note, ok, wrong } from "../service/upkeep/doctor/finding.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { EXIT_FAILED, terminal } from "./program/terminal.ts";

/** Prints a line for each finding. Sets exit code 1 if something is wrong. */
export async function doctor(given: GivenSettings): Promise<void> {
  const { settings } = given;
  const { config, finding } = await checkConfig(given);
  const findings = [
    finding,
    ...await checkData(settings.data),
    checkPackages(),
    ...await checkReach(settings, config),
    await checkService(settings),
  ];
  for (const { state, words } of findings) terminal.print(`${COLORS[state](state.padEnd(5))} ${words}`);
  if (findings.some(({ state }) => state === "wrong")) Deno.exitCode = EXIT_FAILED;
}

const COLORS: Record<Finding["state"], (text: string) => string> = {
  ok: terminal.colors.green,
  note: terminal.colors.yellow,
  wrong: terminal.colors.red,
};

async function checkConfig(
  { settings, configGiven }: GivenSettings,
): Promise<{ config: HogpenConfig; finding: Finding }> {
  try {
    const config = await loadConfig(settings, configGiven);
    const plugins = config.projects.reduce((sum, project) => sum + project.plugins.length, 0);
    const words = `configuration: ${config.projects.length} projects, ${plugins} plugins; hogpen check loads them`;
    return { config, finding: ok(words) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: { projects: [] }, finding: wrong(`configuration: ${error.message}`) };
  }
}

function checkPackages(): Finding {
  if (Deno.build.standalone) return ok("packages: the executable has them");
  const missing = missingPackages(ownPackages(), [...PACKAGE_GROUPS.service, ...PACKAGE_GROUPS.plugins]);
  if (missing.length === 0) return ok("packages: all that plugins may import are there");
  return note(`packages: fetched when a plugin imports them: ${missing.join(", ")}; hogpen prefetch gets them before`);
}
