/**
 * What a soak runs: a service, events for it, and what has to stay as it is.
 * @module
 */

export interface SoakScenario extends AsyncDisposable {
  /** hogpen.json, with one project whose token is {@linkcode SOAK_TOKEN}. */
  config: SoakConfig;
  /** Name of the event of this number, from 0. */
  eventName(number: number): string;
  /** Plugin configs whose processes must live from the beginning to the end, by id. */
  steady: ReadonlyMap<number, string>;
  /** A configuration to change to after this minute; null when it stays. */
  configAfter?(minute: number): SoakConfig | null;
  /** What has to be said of it in the end. */
  summary(): string;
}

export interface SoakConfig {
  projects: Record<string, unknown>[];
}

export const SOAK_TOKEN = "phc_soak";
