/**
 * Removes the configured properties from every event.
 * @module
 */

import type { Meta, PluginEvent, Properties } from "@posthog/plugin-scaffold";

/** One step of a path is a name, or a pattern when it has a `*`. */
type Path = (string | RegExp)[];
type PropertyFilter = {
  config: { properties: string; personProperties: string };
  global: { names: string[]; paths: Path[]; clearIp: boolean };
};

export function setupPlugin({ config, global }: Meta<PropertyFilter>): void {
  const names = config.properties.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.length === 0) throw new Error('Cannot filter properties: "Properties to remove" names none');
  global.names = names;
  global.paths = names.map((name) => name.split(".").map(toStep));
  global.clearIp = names.includes("$ip");
}

export function processEvent(event: PluginEvent, { config, global }: Meta<PropertyFilter>): PluginEvent {
  const everywhere = config.personProperties !== "No";
  const { properties } = event;
  const places = everywhere
    ? [properties, properties?.$set, properties?.$set_once, event.$set, event.$set_once]
    : [properties];
  for (const place of places) {
    if (!isObject(place)) continue;
    for (const path of global.paths) removePath(place, path);
    // A property of its own may be called what looks like a path.
    for (const name of global.names) delete place[name];
  }
  if (global.clearIp) event.ip = null;
  return event;
}

function toStep(name: string): string | RegExp {
  if (!name.includes("*")) return name;
  const literal = name.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`);
}

function removePath(place: Properties, [step, ...rest]: Path): void {
  if (step === undefined) return;
  const names = typeof step === "string" ? [step] : Object.keys(place).filter((name) => step.test(name));
  for (const name of names) {
    if (!Object.hasOwn(place, name)) continue;
    if (rest.length === 0) delete place[name];
    else if (isObject(place[name])) removePath(place[name], rest);
  }
}

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null;
}
