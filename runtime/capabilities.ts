/**
 * What a plugin can do, as found in its exports.
 * @module
 */

/** In the order in which they are listed among a plugin's capabilities. */
export const METHODS = [
  "setupPlugin",
  "teardownPlugin",
  "exportEvents",
  "onEvent",
  "onSnapshot",
  "composeWebhook",
  "processEvent",
  "processEventBatch",
  "getSettings",
] as const;

/** A function that the service calls by name, besides jobs and scheduled tasks. */
export type Method = typeof METHODS[number];

/** Names found in a plugin's exports; field names are PostHog's. */
export interface Capabilities {
  methods: Method[];
  /** Exported functions whose names start with `runEvery`, or that `schedule` in plugin.json names. */
  scheduled_tasks: string[];
  /** Keys of the exported `jobs` object. */
  jobs: string[];
}
