/**
 * Runs a plugin folder for its test: through the service's own loader, cell and sandbox, with setupPlugin done.
 *
 *     await using plugin = await startPlugin(import.meta.dirname, { config: { greeting: "hi" } });
 *     const event = await plugin.processEvent({ event: "signed up" });
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import { Outcome } from "../../runtime/protocol.ts";
import { loadPlugin } from "../../host/loader/load_plugin.ts";
import { mergeDefaults } from "../../host/loader/manifest/manifest.ts";
import { type FixturePlugin, type FixturePluginOptions, startFixturePlugin } from "./fixture_plugin.ts";

type Event = Record<string, unknown>;
type Options = Partial<Omit<FixturePluginOptions, "plugin">>;

export interface StartedPlugin extends FixturePlugin {
  /** The event that came out, or null; rejects with what the plugin threw. Fields that are left out have a default. */
  processEvent(event?: Event): Promise<Event | null>;
  /** What became of an event's properties. */
  propertiesOf(properties: Event): Promise<Event>;
  /** Rejects with what the plugin threw. */
  onEvent(event?: Event): Promise<void>;
  run(task: string): Promise<void>;
}

/** What a plugin threw, with its own name. */
export class PluginThrew extends Error {
  constructor(readonly record: ErrorRecord) {
    super(record.message);
    this.name = record.name;
  }
}

/** The time that plugins see. */
export const NOW = Date.UTC(2021, 0, 20, 12);

/** Rejects with what setupPlugin threw. */
export async function startPlugin(folder: string | undefined, options: Options = {}): Promise<StartedPlugin> {
  const loaded = await loadPlugin(folder ?? "");
  const plugin = await startFixturePlugin({
    now: NOW,
    random: 0.5,
    ...options,
    plugin: loaded,
    config: mergeDefaults(loaded.manifest, options.config ?? {}),
  });
  try {
    if (plugin.capabilities.methods.includes("setupPlugin")) await call("method", "setupPlugin");
  } catch (error) {
    await plugin[Symbol.asyncDispose]();
    throw error;
  }

  async function call(type: "method" | "task", name: string): Promise<void> {
    const answer = await plugin.call(type, name);
    if (!answer.ok) throw new PluginThrew(answer.error);
  }

  async function processEvent(event: Event = {}): Promise<Event | null> {
    const [result] = await plugin.batch("processEvent", [eventOf(event)]);
    await plugin.settled();
    if (result?.error) throw new PluginThrew(result.error);
    return result?.outcome === Outcome.dropped ? null : result?.event ?? null;
  }

  return {
    ...plugin,
    processEvent,
    async propertiesOf(properties) {
      return (await processEvent({ properties }))?.properties as Event;
    },
    async onEvent(event = {}) {
      const [result] = await plugin.batch("onEvent", [{ elements: [], ...eventOf(event) }]);
      await plugin.settled();
      if (result?.error) throw new PluginThrew(result.error);
    },
    run: (task) => call("task", task),
    [Symbol.asyncDispose]: () => plugin[Symbol.asyncDispose](),
  };
}

function eventOf(event: Event): Event {
  return {
    uuid: "01760b5a-1a2b-7000-8000-000000000001",
    event: "test event",
    distinct_id: "user-1",
    team_id: 2,
    ip: "127.0.0.1",
    site_url: null,
    now: "2021-01-20T12:00:00.000Z",
    timestamp: "2021-01-20T11:59:00.000Z",
    properties: {},
    ...event,
  };
}
