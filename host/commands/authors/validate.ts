/**
 * `validate <folder>`: reports what is wrong with a plugin, one line per problem, and what it can do.
 * @module
 */

import { resolve } from "node:path";
import { startFixturePlugin } from "../../../testing/fixture_plugin.ts";
import type { Capabilities } from "../../../runtime/capabilities.ts";
import { loadPlugin } from "../../loader/load_plugin.ts";
import { mergeDefaults } from "../../loader/manifest/manifest.ts";
import { type Problem, problem } from "../../loader/validate/problem.ts";
import { validatePlugin, type Validation } from "../../loader/validate/validate_plugin.ts";
import { describeCapabilities } from "../show/describe_capabilities.ts";
import { CommandError, EXIT_FAILED, terminal } from "../program/terminal.ts";

export interface ValidateCommand {
  json?: boolean;
}

/** Exits with 1 if the plugin cannot run. Warnings alone do not make it fail. */
export async function validate(folder: string, { json }: ValidateCommand): Promise<void> {
  const root = resolve(folder);
  if (!await Deno.stat(root).then(({ isDirectory }) => isDirectory, () => false)) {
    throw new CommandError(`Cannot validate ${folder}: there is no such folder`);
  }
  const { problems, capabilities, validation } = await findProblems(root);
  const hasErrors = problems.some(({ severity }) => severity === "error");
  const described = capabilities === null ? [] : describeCapabilities(capabilities, validation.manifest);
  if (json) terminal.json({ ok: !hasErrors, name: validation.manifest.name, problems, capabilities });
  else print(validation.manifest.name, problems, described);
  if (hasErrors) Deno.exitCode = EXIT_FAILED;
}

/** All problems in the order of files and lines. The plugin's code is run only if nothing else is wrong. */
export async function findProblems(root: string) {
  const validation = await validatePlugin(root);
  const { problems } = validation;
  let capabilities: Capabilities | null = null;
  if (validation.main !== null && !problems.some(({ severity }) => severity === "error")) {
    try {
      capabilities = await readCapabilities(root);
      problems.push(...checkCapabilities(capabilities, validation));
    } catch (error) {
      problems.push(problem("load-failed", validation.main, null, `Cannot load: ${(error as Error).message}`));
    }
  }
  problems.sort((a, b) => a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1);
  return { problems, capabilities, validation };
}

/** Evaluates the plugin in a sandbox without setting it up. */
export async function readCapabilities(root: string): Promise<Capabilities> {
  const plugin = await loadPlugin(root);
  await using started = await startFixturePlugin({
    plugin,
    config: mergeDefaults(plugin.manifest, {}),
    now: Date.now(),
    random: 0.5,
  });
  return started.capabilities;
}

function* checkCapabilities(capabilities: Capabilities, { manifest, main, placeOf }: Validation): Generator<Problem> {
  const { methods, scheduled_tasks, jobs } = capabilities;
  if (methods.length + scheduled_tasks.length + jobs.length === 0) {
    yield problem("exports-nothing", main ?? "", null, "It exports nothing that is called, such as processEvent");
  }
  for (const name of Object.keys(manifest.schedule)) {
    if (scheduled_tasks.includes(name)) continue;
    yield problem(
      "schedule-not-exported",
      "plugin.json",
      placeOf(["schedule", name]),
      `"schedule" names ${name}, which the plugin does not export`,
    );
  }
  for (const name of Object.keys(manifest.publicJobs)) {
    if (jobs.includes(name)) continue;
    yield problem(
      "public-job-not-exported",
      "plugin.json",
      placeOf(["publicJobs", name]),
      `"publicJobs" names ${name}, which is not among the plugin's jobs`,
    );
  }
}

function print(name: string, problems: Problem[], capabilities: [string, string][]): void {
  const { red, yellow, green, bold, dim } = terminal.colors;
  for (const { severity, file, line, column, message } of problems) {
    const word = severity === "error" ? red("error") : yellow("warning");
    terminal.print(`${bold(`${file}:${line}:${column}`)}: ${word}: ${message}`);
  }
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (errors > 0) {
    terminal.print(red(`${name} cannot run: ${errors} ${errors === 1 ? "error" : "errors"}`));
    return;
  }
  terminal.print(green(`${name} is in order`));
  const width = Math.max(0, ...capabilities.map(([capability]) => capability.length));
  for (const [capability, words] of capabilities) terminal.print(`  ${capability.padEnd(width)}  ${dim(words)}`);
}
