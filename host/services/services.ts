/**
 * What the host does for a plugin: the other side of `meta` and `posthog`. Each plugin config has its own table of
 * handlers, so that its identity comes from the connection and it cannot reach the cache, storage, jobs or logs of
 * another.
 * @module
 */

import type { ServiceName } from "../../runtime/protocol.ts";

/**
 * What the plugin was doing when it called: one object for each running event, job or task, so that its effects can be
 * counted. The cell's connection creates it and passes the same object to every call made for the same event.
 */
export interface Cause {
  readonly kind: "event" | "job" | "task" | "other";
  /**
   * The depth of the event (`LogRecord.depth`) or of the job; 0 for tasks. When the sandbox cannot tell which event
   * made the call, the deepest in flight.
   */
  readonly depth: number;
  /** How many events it has caused so far. Only posthog.capture writes this. */
  captured: number;
  /** The function, and EventOrigin.occasion. Absent when every call counts. */
  readonly occasion?: string;
}

/**
 * Arguments are hostile JSON, so a handler validates them before use. Rejections reach the plugin as errors of the same
 * name and message. A handler reads its cause before its first await.
 */
export type ServiceHandler = (args: unknown[], cause: Cause) => Promise<unknown>;

/** Every service for one plugin config. */
export type PluginServices = Record<ServiceName, ServiceHandler>;
