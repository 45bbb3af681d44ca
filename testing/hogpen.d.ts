// What an editor knows of a plugin for Hogpen: globals that plugins have without importing them, and the test kit.
// `hogpen new` puts this file beside a plugin.

type HogpenMeta = import("@posthog/plugin-scaffold").Meta;

/** Of the plugin's project. */
declare const posthog: import("@posthog/plugin-scaffold").PostHogExtension;

/** Thrown by setupPlugin, onEvent, exportEvents and jobs to be called again later. */
declare class RetryError extends Error {}

/** A function that `schedule` in plugin.json names, or one called runEveryMinute, runEveryHour or runEveryDay. */
type ScheduledTask = (meta: HogpenMeta) => void | Promise<void>;

declare module "hogpen/testing" {
  type Values = Record<string, unknown>;
  /** The first rule that fits answers; `times` counts how often it may. */
  interface FetchRule {
    url?: string;
    prefix?: string;
    method?: string;
    times?: number;
    status?: number;
    headers?: Record<string, string>;
    json?: unknown;
    body?: string;
    network_error?: string;
  }
  interface StartOptions {
    config?: Values;
    attachments?: Record<string, { content_type: string; file_name: string; contents: Uint8Array }>;
    fetch?: readonly FetchRule[];
    geoip?: Values;
    /** Milliseconds since the epoch. */
    now?: number;
    random?: number;
    storage?: Values;
    cache?: Values;
    deadlineMs?: number;
  }
  interface StartedPlugin extends AsyncDisposable {
    readonly fetched: { method: string; url: string; headers: [string, string][]; body: string | null }[];
    readonly captured: { event: string; properties: unknown }[];
    readonly jobs: { job: string; payload: unknown; enqueuedAt: number; runAt: number }[];
    readonly logs: { source: string; type: string; message: string; at: number }[];
    // deno-lint-ignore no-explicit-any -- a test reads properties of any shape
    processEvent(event?: Values): Promise<any>;
    // deno-lint-ignore no-explicit-any -- as above
    propertiesOf(properties: Values): Promise<Record<string, any>>;
    onEvent(event?: Values): Promise<void>;
    exportEvents(events: Values[]): Promise<void>;
    run(task: string): Promise<void>;
    runJob(job: string, payload?: unknown): Promise<void>;
    runDueJobs(): Promise<number>;
    advance(milliseconds: number): void;
    setRandom(random: number): void;
    storage(): Promise<Values>;
    cache(): Promise<Values>;
  }
  /** Runs the plugin in the folder in a real sandbox, set up. */
  export function startPlugin(
    source: string | { inline: string; name?: string },
    options?: StartOptions,
  ): Promise<StartedPlugin>;
}
