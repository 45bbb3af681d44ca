/**
 * Makes addresses of the same page look the same: host in lower case, no trailing slash, parameters sorted.
 * @module
 */

import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type UrlNormaliser = {
  config: { properties: string; query: string; fragment: string; lowerCasePath: string };
  global: { properties: string[] };
};

const TRACKING =
  /^(utm_.+|[gdwm]clid|gclsrc|gbraid|wbraid|fbclid|msclkid|twclid|ttclid|li_fat_id|yclid|igshid|mc_[ce]id|_hs(enc|mi))$/i;

export function setupPlugin({ config, global }: Meta<UrlNormaliser>): void {
  global.properties = config.properties.split(",").map((name) => name.trim()).filter((name) => name !== "");
}

export function processEvent(event: PluginEvent, { config, global }: Meta<UrlNormaliser>): PluginEvent {
  for (const name of global.properties) {
    const value = event.properties?.[name];
    if (event.properties && typeof value === "string") event.properties[name] = normalise(value, config);
  }
  return event;
}

function normalise(address: string, config: UrlNormaliser["config"]): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return address;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return address;
  if (config.lowerCasePath === "Yes") url.pathname = url.pathname.toLowerCase();
  if (config.fragment === "Remove") url.hash = "";
  if (config.query === "Remove") url.search = "";
  else {
    if (config.query !== "Keep") {
      for (const name of [...url.searchParams.keys()]) if (TRACKING.test(name)) url.searchParams.delete(name);
    }
    url.searchParams.sort();
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.protocol}//${url.host}${path}${url.search}${url.hash}`;
}
