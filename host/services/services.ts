/**
 * What the host does for a plugin: the far side of `meta` and `posthog`. A table of handlers per plugin config, so that
 * identity comes from the connection and one plugin's cache, storage, jobs and logs are out of another's reach.
 * @module
 */

import type { ServiceName } from "../../runtime/protocol.ts";

/**
 * What the plugin was doing when it called: one object per event, job or task being run, so that what it causes can be counted.
 * The cell's connection makes it and hands the same object to every call made for the same event.
 */
export interface Cause {
  readonly kind: "event" | "job" | "task" | "other";
  /** Of the event (`LogRecord.depth`), or of the job; 0 for tasks. The deepest in flight when the sandbox could not tell which. */
  readonly depth: number;
  /** Events captured so far because of it. Written by posthog.capture alone. */
  captured: number;
}

/**
 * Arguments are hostile JSON: a handler checks them before use. Rejections reach the plugin as errors of the same name and message.
 * A handler looks at its cause before it first waits.
 */
export type ServiceHandler = (args: unknown[], cause: Cause) => Promise<unknown>;

/** Every service for one plugin config. */
export type PluginServices = Record<ServiceName, ServiceHandler>;
