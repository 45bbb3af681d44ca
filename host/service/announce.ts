/**
 * What is printed at start: the service's address, the projects' tokens, the state of each plugin, and a command to
 * try.
 * @module
 */

import { PluginState } from "../cells/plugin_runtime.ts";
import type { AdminToken } from "../http/access/admin_token.ts";
import type { HogpenConfig, ProjectConfig } from "../config/config.ts";
import type { Settings } from "../config/settings.ts";
import { describePlugin } from "../http/describe_plugin.ts";
import type { Plugins, PluginView } from "../http/routes/plugin_configs.ts";
import { groupPlugins } from "./plugin_groups.ts";

export interface Announcement {
  version: string;
  url: string;
  /** The address of the API. It is the same address unless the API has a port of its own. */
  adminUrl: string;
  /** The setting: the address that the service listens on. */
  host: string;
  role: Settings["hostRole"];
  config: HogpenConfig;
  plugins: Pick<Plugins, "list">;
  admin: AdminToken;
  /** True if a person will read it. Otherwise the output is probably kept in a file, which must not contain secrets. */
  isTerminal: boolean;
}

export function announce(announcement: Announcement): string {
  const { version, url, adminUrl, host, role, config, admin, isTerminal } = announcement;
  const lines = [`Hogpen ${version} listens at ${url} (${reachOf(host)})`];
  if (adminUrl !== url) lines.push(`Its API and page are at ${adminUrl}/_hogpen/ alone`);
  if (role !== "all") lines.push(`It does one part of the work: ${PARTS[role]}`);
  lines.push("");
  for (const project of config.projects) {
    lines.push(`Project ${project.id} "${project.name}", token ${project.token}`);
    if (role !== "intake") lines.push(...aboutProject(project, announcement));
  }
  const [first] = config.projects;
  lines.push(
    "",
    "Send an event:",
    `  curl -H 'Content-Type: application/json' ${url}/capture \\`,
    `    -d '{"api_key": "${first?.token}", "event": "hello", "distinct_id": "me", "properties": {}}'`,
    "See what the plugins made of it:",
    `  curl -H 'Authorization: Bearer '"${shellWordOf(admin)}" ${adminUrl}/_hogpen/api/projects/${first?.id}/events`,
    "",
    ...aboutToken(admin, isTerminal),
  );
  return lines.join("\n");
}

const PARTS = {
  intake: "it stores events for other hosts, and runs no plugins",
  route: "it passes events through plugins, and delivers none",
  consume: "it delivers events, and runs jobs and schedules",
};

function aboutProject({ id, destinations }: ProjectConfig, { config, plugins }: Announcement): string[] {
  const own = plugins.list().filter(({ config }) => config.teamId === id && config.enabled);
  return [
    ...own.length === 0 ? ["  no plugins"] : own.map((view) => `  ${nameOf(view)}: ${stateOf(view)}`),
    ...aboutCells(config, id),
    ...destinations.map(({ id, type, enabled }) => `  destination ${id} (${type})${enabled ? "" : ", switched off"}`),
  ];
}

/** Describes who can reach the service, so that nobody is surprised. */
function reachOf(host: string): string {
  if (/^(127\.|::1$|localhost$)/.test(host)) {
    return "only this machine reaches it; HOGPEN_HOST=0.0.0.0 lets others";
  }
  return host === "0.0.0.0" || host === "::" ? `on every address of this machine (${host})` : `on ${host}`;
}

/** Plugins that share a process can do more to each other than plugins in separate processes. */
function aboutCells(config: HogpenConfig, project: number): string[] {
  const shares = config.projects.some(({ id, isolation }) => id === project && isolation === "shared");
  const words = `  isolation "shared" is a trust boundary: neighbouring plugins share a process while they behave`;
  const named = groupPlugins(config)
    .filter(({ configs }) => configs.length > 1 && configs[0]?.teamId === project)
    .map(({ configs }) =>
      `  cell "${configs[0]?.cell}" is a trust boundary: the plugins ${
        configs.map(({ id }) => id).join(", ")
      } share a process`
    );
  return shares ? [words, ...named] : named;
}

/** An expression for a shell command. The token itself is shown only once, so the example reads it from its file. */
function shellWordOf({ path }: AdminToken): string {
  return path === null ? "$HOGPEN_ADMIN_TOKEN" : `$(cat ${path})`;
}

function aboutToken({ token, path, made }: AdminToken, isTerminal: boolean): string[] {
  if (path === null) return [];
  const where = `The admin token lies in ${path}`;
  return made && isTerminal ? [`Admin token, shown this once: ${token}`, where, ""] : [where, ""];
}

function nameOf({ config, manifest }: PluginView): string {
  return `${manifest?.name ?? "plugin"} (${config.id})`;
}

function stateOf({ status, manifest }: PluginView): string {
  if (status.state === PluginState.Disabled) return `disabled: ${status.reason}`;
  if (status.capabilities === null) return status.reason ?? "still loading";
  const does = describePlugin(status.capabilities, manifest?.schedule ?? {}).join(", ");
  return status.state === PluginState.Running ? does : `${does} (${status.state})`;
}
