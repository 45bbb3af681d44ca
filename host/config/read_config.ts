/**
 * Reads hogpen.json: references, validation, attachments and defaults.
 * @module
 */

import { dirname, resolve } from "node:path";
import { inheritUpstream, toUpstream } from "./upstream.ts";
import { isRecord } from "../../runtime/is_record.ts";
import { destinationOptions } from "../destinations/destination_options.ts";
import type { DestinationConfig, HogpenConfig, PluginConfig } from "./config.ts";
import { findConflicts } from "./reading/config_conflicts.ts";
import { type ConfigFile, configSchema } from "./config_schema.ts";
import { describeIssues, showPath } from "./describe_issues.ts";
import { replaceReferences } from "./reading/references.ts";
import { MAX_ATTACHMENT_BYTES, readAttachment } from "./reading/read_attachment.ts";

/** Values for plugin configs that do not set their own. */
export interface ConfigDefaults {
  timeoutSeconds: number;
  memoryMb: number;
}

/** A configuration that cannot be used. The message lists every problem, one per line. */
export class ConfigError extends Error {
  override name = "ConfigError";
  constructor(file: string, readonly problems: string[], options?: ErrorOptions) {
    super(`Cannot use ${file}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`, options);
  }
}

type Env = (name: string) => string | undefined;
export type PluginEntry = ConfigFile["projects"][number]["plugins"][number];
export type DestinationEntry = ConfigFile["projects"][number]["destinations"][number];

/** Reads and validates the file. Rejects with ConfigError. */
export async function readConfig(
  path: string,
  defaults: ConfigDefaults,
  env: Env = envVariable,
): Promise<HogpenConfig> {
  const text = await Deno.readTextFile(path).catch((cause) => {
    throw new ConfigError(path, [`the file cannot be read: ${cause.message}`], { cause });
  });
  return await parseConfig(text, path, defaults, env);
}

/** The same for text already read. Relative paths in it start at the folder of `path`. */
export async function parseConfig(
  text: string,
  path: string,
  defaults: ConfigDefaults,
  env: Env,
): Promise<HogpenConfig> {
  const file = parseEntries(text, path, env);
  const folder = dirname(resolve(path));
  const problems: string[] = [];
  const projects = await Promise.all(file.projects.map(async (project, p) => ({
    id: project.id,
    name: project.name ?? `Project ${project.id}`,
    token: project.token,
    anonymizeIps: project.anonymizeIps,
    isolation: project.isolation,
    ...(project.upstream !== undefined && { upstream: toUpstream(project.upstream) }),
    plugins: await Promise.all(project.plugins.map(async (entry, i): Promise<PluginConfig> => ({
      ...toPluginConfig(entry, project.id, folder, defaults),
      attachments: await readAttachments(entry.attachments, folder, ["projects", p, "plugins", i], problems),
    }))),
    destinations: project.destinations.map(toDestinationConfig),
  })));
  if (problems.length > 0) throw new ConfigError(path, problems);
  return { projects };
}

/**
 * The file as written, with its references replaced and its omissions filled in.
 * @throws ConfigError
 */
export function parseEntries(text: string, path: string, env: Env = envVariable): ConfigFile {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new ConfigError(path, [`the file is not JSON: ${(cause as Error).message}`], { cause });
  }
  const { value, problems } = replaceReferences(json, {
    env,
    file: (name) => Deno.readTextFileSync(resolve(dirname(resolve(path)), name)),
  });
  inheritUpstreams(value);
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) problems.push(...describeIssues(parsed.error, value));
  problems.push(...findConflicts(value));
  // A reference that could not be replaced left an empty text, whose problem is not reported a second time.
  const first = new Map(problems.map((problem) => [problem.split(": ", 1)[0], problem] as const).toReversed());
  if (!parsed.success || problems.length > 0) throw new ConfigError(path, [...first.values()].toReversed());
  return parsed.data;
}

/** A destination `posthog` goes to the project's upstream unless it names another host. */
function inheritUpstreams(value: unknown): void {
  if (!isRecord(value) || !Array.isArray(value.projects)) return;
  for (const project of value.projects) {
    if (!isRecord(project) || !isRecord(project.upstream) || !Array.isArray(project.destinations)) continue;
    const { host, api_key: apiKey = project.token } = project.upstream;
    project.destinations = project.destinations.map((each) =>
      isRecord(each) ? inheritUpstream(each, { host, apiKey }) : each
    );
  }
}

/** A plugin config as the file states it, with paths relative to `folder`. */
export function toPluginConfig(
  entry: PluginEntry,
  teamId: number,
  folder: string,
  defaults: ConfigDefaults,
): Omit<PluginConfig, "attachments"> {
  const { source, timeoutSeconds, memoryMb, attachments: _, ...rest } = entry;
  return {
    ...rest,
    teamId,
    source: typeof source === "string"
      ? resolveSource(source, folder)
      : { inline: source.inline, ...(source.name === undefined ? {} : { name: source.name }) },
    timeoutSeconds: timeoutSeconds ?? defaults.timeoutSeconds,
    memoryMb: memoryMb ?? defaults.memoryMb,
  };
}

/** URLs stay as they are; paths become absolute. */
export function resolveSource(source: string, folder: string): string {
  return /^https?:\/\//i.test(source) ? source : resolve(folder, source.replace(/^file:(\/\/(?=\/))?/, ""));
}

async function readAttachments(
  paths: Record<string, string>,
  folder: string,
  at: (string | number)[],
  problems: string[],
): Promise<PluginConfig["attachments"]> {
  const attachments: PluginConfig["attachments"] = {};
  for (const [key, path] of Object.entries(paths)) {
    try {
      attachments[key] = await readAttachment(resolve(folder, path));
    } catch (error) {
      problems.push(`${showPath([...at, "attachments", key])}: ${(error as Error).message}`);
    }
  }
  const bytes = Object.values(attachments).reduce((sum, { contents }) => sum + contents.length, 0);
  if (bytes > MAX_ATTACHMENT_BYTES) {
    problems.push(
      `${
        showPath([...at, "attachments"])
      }: found files of ${bytes} bytes together, expected at most ${MAX_ATTACHMENT_BYTES}`,
    );
  }
  return attachments;
}

export function toDestinationConfig({ id, type, enabled, filter, ...options }: DestinationEntry): DestinationConfig {
  const { events, properties } = filter;
  return {
    id,
    type,
    enabled,
    filter: { ...(events === undefined ? {} : { events }), ...(properties === undefined ? {} : { properties }) },
    options: destinationOptions[type].parse(options),
  };
}

function envVariable(name: string): string | undefined {
  return Deno.env.get(name);
}
