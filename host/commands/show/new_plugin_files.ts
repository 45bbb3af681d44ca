/**
 * The files of a new plugin.
 * @module
 */

/** Texts by file name. `title` is the name of the folder. */
export function newPluginFiles(title: string, js: boolean): Record<string, string> {
  const extension = js ? "js" : "ts";
  return {
    "plugin.json": manifest(title, extension),
    [`index.${extension}`]: js ? JAVASCRIPT : TYPESCRIPT,
    [`index.test.${extension}`]: TEST,
    "package.json": packageJson(title),
    "README.md": readme(title),
  };
}

function manifest(title: string, extension: string): string {
  const field = {
    key: "greeting",
    name: "Greeting",
    type: "string",
    default: "Hello",
    hint: "Written into every event as the property `greeting`.",
    required: true,
  };
  const json = { name: title, description: "Greets every event.", main: `index.${extension}`, config: [field] };
  return `${JSON.stringify(json, null, 2)}\n`;
}

const TYPESCRIPT = `import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type MyMeta = Meta<{ config: { greeting: string } }>;

/** Sees every event on its way; null drops it. */
export function processEvent(event: PluginEvent, { config }: MyMeta): PluginEvent | null {
  if (event.event === "noise") return null;
  event.properties = { ...event.properties, greeting: config.greeting };
  return event;
}
`;

const JAVASCRIPT = `/**
 * Sees every event on its way; null drops it.
 * @param {import("@posthog/plugin-scaffold").PluginEvent} event
 * @param {import("@posthog/plugin-scaffold").Meta<{ config: { greeting: string } }>} meta
 */
export function processEvent(event, { config }) {
  if (event.event === "noise") return null;
  event.properties = { ...event.properties, greeting: config.greeting };
  return event;
}
`;

const TEST = `import { startPlugin } from "hogpen/testing";

test("an event is greeted", async () => {
  const plugin = await startPlugin(__dirname, { config: { greeting: "Hi" } });
  expect(await plugin.propertiesOf({ price: 3 })).toEqual({ price: 3, greeting: "Hi" });
  await plugin[Symbol.asyncDispose]();
});

test("noise is dropped", async () => {
  const plugin = await startPlugin(__dirname);
  expect(await plugin.processEvent({ event: "noise" })).toBeNull();
  await plugin[Symbol.asyncDispose]();
});
`;

/** The packages are types for the editor. None of them is needed to run the plugin. */
function packageJson(title: string): string {
  const json = {
    name: title.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, "-"),
    version: "0.0.1",
    private: true,
    scripts: { test: "hogpen test ." },
    devDependencies: { "@posthog/plugin-scaffold": "1.7.1" },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function readme(title: string): string {
  return `# ${title}

Greets every event.

    hogpen validate .    # what is wrong, and what it can do
    hogpen test .        # its tests
    hogpen run .         # one event, before and after
    hogpen dev .         # serves it, and reloads on save
`;
}
