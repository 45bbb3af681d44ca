/**
 * The protocol between host, cell and sandbox: what each kind of frame means. Except for the layout of a frame, this
 * file contains no code.
 *
 * A frame between host and cell is
 *
 *     u32 length of the rest | u8 kind | u32 id | payload            (little endian)
 *
 * A payload is JSON, except for Batch and BatchResult, which have `u32 header length | header JSON | body`. The body
 * consists of the events' JSON texts one after another, and the header says how many bytes each takes. The host
 * forwards bodies from one cell to the next without parsing them.
 *
 * `id` pairs a request with its answer; each side numbers its own requests. Everything that comes out of a cell is
 * hostile input: the host checks length, kind, shape and counts, and takes the identity from the connection.
 * @module
 */

import type { Capabilities } from "./capabilities.ts";
import type { ErrorRecord } from "./errors.ts";

/** Bytes before a payload: length, kind, id. */
export const FRAME_HEADER_BYTES = 9;

/** Kinds below 16 are sent by the host, kinds from 16 by the cell. */
export const FrameKind = {
  /** {@linkcode LoadRequest}, answered by Result with a {@linkcode LoadResult}. */
  Load: 1,
  /** {@linkcode CallRequest}, answered by Result with the function's JSON value or an error. */
  Call: 2,
  /** {@linkcode BatchHeader} and events, answered by BatchResult. */
  Batch: 3,
  /** {@linkcode Answer} to a Request of the cell. */
  ServiceResult: 4,
  /** {@linkcode Answer} to Load and Call. */
  Result: 16,
  /** {@linkcode BatchResultHeader} and the resulting events. */
  BatchResult: 17,
  /** {@linkcode ServiceRequest}: a plugin asks for cache, storage, jobs, …; answered by ServiceResult. */
  ServiceRequest: 18,
  /** {@linkcode LogBatch}: console output and background errors. It is not answered. */
  Log: 19,
  /**
   * Has no payload. With the id of a request: the sandbox received it and runs the plugin's code next. With id 0: the
   * sandbox's event loop is running; this is sent about every {@linkcode ALIVE_MS} while a request is unanswered. Each
   * call within a request has its own deadline inside the sandbox, so a long batch may take many deadlines. If nothing
   * at all is heard of a sandbox for one deadline and a margin, it is stuck in a call.
   */
  Alive: 20,
} as const;
export type FrameKind = typeof FrameKind[keyof typeof FrameKind];

/** Milliseconds between two signs of life while a sandbox has work. */
export const ALIVE_MS = 100;

/**
 * A plugin as the sandbox needs it: code, identity and configuration. Its position in `LoadRequest.plugins` is its
 * index.
 */
export interface PluginSpec {
  pluginConfigId: number;
  teamId: number;
  /** The name in plugin.json, for messages. */
  name: string;
  /** CommonJS code by path within the plugin, and JSON files as text. `main` runs first. */
  files: Record<string, string>;
  main: string;
  /** A writable copy for the plugin, with defaults filled in. */
  config: Record<string, unknown>;
  /** `contents` as base64. */
  attachments: Record<string, { content_type: string; file_name: string; contents: string }>;
  /** The names of tasks from `schedule` in plugin.json, in addition to `runEvery…`. */
  scheduledTasks: string[];
}

export interface LoadRequest {
  plugins: PluginSpec[];
  /**
   * How long a call may take, in milliseconds, before the sandbox rejects it. The host kills the cell a little later.
   */
  deadlineMs: number;
  /** Hosts and networks that `egress` allows, for the guard inside the sandbox. */
  egressAllow: string[];
  /** Whether the sandbox tells of each request that `fetch` sends, in {@linkcode LogBatch}: a dry run lists them. */
  noteRequests?: boolean;
}

/** One entry for each plugin of the request. Loading evaluates the code; setupPlugin is called separately. */
export interface LoadResult {
  plugins: ({ capabilities: Capabilities } | { error: ErrorRecord })[];
}

/** Calls one function of one plugin. */
export interface CallRequest {
  /** The index into `LoadRequest.plugins`. */
  plugin: number;
  /** `method` is an exported function, `job` a key of `jobs`, `task` a scheduled task. */
  type: "method" | "job" | "task";
  name: string;
  /** If absent, the function is called with meta only. */
  payload?: unknown;
}

/**
 * Functions that take events as JSON: processEvent takes a PluginEvent, the others a ProcessedPluginEvent.
 * `exportEvents` takes the whole batch and has a single outcome, which is reported for each event.
 *
 * For `composeWebhook` the sandbox makes `timestamp` a Date, and sends the composed request itself with the plugin's
 * guarded fetch. The host therefore never makes a request to an address that a plugin chose, and the cell's egress
 * rules apply, including those for redirects and DNS rebinding. The outcome is `failed` with `Fetch to <url> failed
 * with <statusText>`, `retry` with that text if the answer was 429 or 5xx or there was none, and otherwise `ok`.
 */
export type BatchFunction = "processEvent" | "onEvent" | "onSnapshot" | "exportEvents" | "composeWebhook";

export interface BatchHeader {
  fn: BatchFunction;
  /**
   * Indices into `LoadRequest.plugins` in the order of the chain. There is more than one only for processEvent in a
   * shared cell.
   */
  chain: number[];
  /** The length in bytes of each event in the body. */
  lengths: number[];
}

/**
 * What one plugin made of one event. `ok`: it returned an event. `dropped`: it returned a falsy value. `failed`: it
 * threw, or returned something that is not an event. `retry`: it threw a RetryError or timed out. `skipped`: it was not
 * called, because an earlier plugin of the chain dropped the event.
 */
export const Outcome = { ok: "o", dropped: "d", failed: "f", retry: "r", skipped: "s" } as const;
export type Outcome = typeof Outcome[keyof typeof Outcome];

export interface BatchResultHeader {
  /** One string for each plugin of the chain, with one {@linkcode Outcome} character for each event. */
  outcomes: string[];
  /**
   * Why events failed: at most one entry for each event and plugin. There may be fewer entries than failures, because
   * their number is bounded.
   */
  errors: { event: number; plugin: number; error: ErrorRecord }[];
  /**
   * The length in bytes of each event in the body. `UNCHANGED` means that it is the event that went in, and has no
   * bytes. 0 means that it was dropped, or that the function returns no event.
   */
  lengths: number[];
  /**
   * How long each plugin of the chain occupied the thread, in milliseconds, estimated from a sample of the events.
   * Present only if there are several plugins. What runs after a plugin awaited something is not included.
   */
  spent?: number[];
}
export const UNCHANGED = -1;

/**
 * How many service requests of one cell may be unanswered at a time. The sandbox makes further ones wait; a cell that
 * sends more has broken the protocol and is killed.
 */
export const MAX_SERVICE_REQUESTS = 16;

/**
 * A plugin's call to a function of the host, see {@linkcode Services}. `name` is a key in the host's table of services,
 * never a path into objects.
 */
export interface ServiceRequest {
  plugin: number;
  name: ServiceName;
  args: unknown[];
  /**
   * The Batch or Call frame (`id`, and the event's index in the batch) whose processing led to this call, as far as the
   * sandbox knows. It is used to count what an event causes. The host looks it up among the requests in flight, and
   * trusts nothing else about it.
   */
  cause?: { id: number; event?: number };
}

/** All services that a sandbox may ask of the host, under the names that plugins know. */
export const SERVICES = [
  "cache.set",
  "cache.get",
  "cache.incr",
  "cache.expire",
  "cache.lpush",
  "cache.lrange",
  "cache.llen",
  "cache.lrem",
  "cache.lpop",
  "storage.get",
  "storage.set",
  "storage.del",
  "cursor.init",
  "cursor.increment",
  "jobs.enqueue",
  "geoip.locate",
  "metrics.record",
  "posthog.capture",
  "posthog.api",
] as const;
export type ServiceName = typeof SERVICES[number];

/**
 * The arguments and result of each service. The sandbox converts what plugins pass to these types, and the host checks
 * them again, because nothing that comes out of a cell can be trusted.
 */
export interface Services {
  /**
   * The value as text (JSON, unless the plugin chose otherwise) or null to delete the key; and the seconds to live, or
   * null.
   */
  "cache.set": (key: string, value: string | null, ttlSeconds: number | null) => null;
  /** The text, or null if there is none. */
  "cache.get": (key: string) => string | null;
  "cache.incr": (key: string) => number;
  "cache.expire": (key: string, ttlSeconds: number) => boolean;
  "cache.lpush": (key: string, elements: string[]) => number;
  "cache.lrange": (key: string, start: number, end: number) => string[];
  "cache.llen": (key: string) => number;
  "cache.lrem": (key: string, count: number, element: string) => number;
  /** Null if there is no list. */
  "cache.lpop": (key: string, count: number) => string[] | null;
  /** JSON text, or null if the key is missing. */
  "storage.get": (key: string) => string | null;
  "storage.set": (key: string, json: string) => null;
  "storage.del": (key: string) => null;
  "cursor.init": (key: string, initialValue: number) => null;
  "cursor.increment": (key: string, incrementBy: number) => number;
  /** `runAt` is in milliseconds since the epoch. A job without a payload sends null. */
  "jobs.enqueue": (type: string, payload: unknown, runAt: number) => null;
  /** MaxMind's City response, or null if the address is unknown. */
  "geoip.locate": (ip: string) => Record<string, unknown> | null;
  /** One operation on a metric that the plugin itself defined, see sandbox/meta/metrics.ts. */
  "metrics.record": (name: string, operation: "increment" | "max" | "min", value: number) => null;
  "posthog.capture": (event: string, properties: Record<string, unknown>) => null;
  "posthog.api": (request: ApiRequest) => ApiResponse | ApiRedirection;
}

/** One call of `posthog.api`. */
export interface ApiRequest {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  options: {
    data?: Record<string, unknown>;
    host?: string;
    headers?: Record<string, string>;
    projectApiKey?: string;
    personalApiKey?: string;
  };
}

/** The answer, which the sandbox turns into a Response. */
export interface ApiResponse {
  status: number;
  statusText: string;
  url: string;
  headers: [string, string][];
  /** In base64. */
  body: string;
}

/**
 * A call with the plugin's own keys to a host other than the operator's. The sandbox sends it with its own guarded
 * fetch.
 */
export interface ApiRedirection {
  fetch: { url: string; method: string; headers: Record<string, string>; body?: string };
}

export interface LogBatch {
  entries: {
    plugin: number;
    source: "CONSOLE" | "PLUGIN";
    type: "DEBUG" | "LOG" | "INFO" | "WARN" | "ERROR";
    message: string;
    /** Milliseconds since the epoch on the sandbox's clock. The host uses its own clock if the two differ too much. */
    at: number;
  }[];
  /** How many entries and requests of each plugin were left out because a bound acted. */
  dropped: number[];
  /** Absent unless {@linkcode LoadRequest} asked for them. */
  requests?: FetchedRequest[];
}

/**
 * A request that a plugin made with `fetch`, or with what stands on it. Redirects that are followed are requests too.
 */
export interface FetchedRequest {
  method: string;
  url: string;
  headers: [string, string][];
  /** Null when there is none, or when it is a stream, which is sent as it comes. */
  body: string | null;
}

export type Answer = { ok: true; value?: unknown } | { ok: false; error: ErrorRecord };
