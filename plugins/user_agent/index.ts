/**
 * Adds browser, operating system and device to events that carry a user agent.
 * @module
 */

import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";
import { parseUserAgent } from "./parse_user_agent.ts";

type UserAgentPlugin = { config: { overrideExisting: string; removeUserAgent: string; dropBots: string } };

/** Where SDKs and servers put it. */
const SOURCES = ["$useragent", "$user-agent", "$raw_user_agent"];

export function processEvent(event: PluginEvent, { config }: Meta<UserAgentPlugin>): PluginEvent | null {
  const { properties } = event;
  if (!properties) return event;
  const source = SOURCES.find((name) => typeof properties[name] === "string" && properties[name] !== "");
  if (source === undefined) return event;

  const agent = parseUserAgent(properties[source]);
  if (agent.browserType === "bot" && config.dropBots === "Yes") return null;
  const found = {
    $browser: agent.browser,
    $browser_version: agent.browserVersion,
    $browser_type: agent.browserType,
    $os: agent.os,
    $os_version: agent.osVersion,
    $device: agent.device,
    $device_type: agent.deviceType,
  };
  for (const [name, value] of Object.entries(found)) {
    if (value === null) continue;
    if (config.overrideExisting === "Yes" || properties[name] === undefined) properties[name] = value;
  }
  if (config.removeUserAgent === "Yes") { for (const name of SOURCES) delete properties[name]; }
  return event;
}
