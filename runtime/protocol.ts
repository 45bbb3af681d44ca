/**
 * The wire between host, cell and sandbox: what each frame means. No behaviour but the layout of a frame.
 *
 * A frame between host and cell is
 *
 *     u32 length of the rest | u8 kind | u32 id | payload            (little endian)
 *
 * A payload is JSON, or (Batch, BatchResult) `u32 header length | header JSON | body`, where the body is the events'
 * JSON texts one after the other and the header says how many bytes each takes. The host forwards bodies
 * from one cell to the next without parsing them.
 *
 * `id` pairs a request with its answer; each side numbers its own requests. Everything that comes out of a cell is
 * hostile input: the host checks length, kind, shape and counts, and takes identity from the connection.
 * @module
 */

import type { Capabilities } from "./capabilities.ts";
import type { ErrorRecord } from "./errors.ts";

/** Bytes before a payload: length, kind, id. */
export const FRAME_HEADER_BYTES = 9;

/** Host → cell below 16, cell → host from 16. */
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
  /** {@linkcode BatchResultHeader} and the events that came out. */
  BatchResult: 17,
  /** {@linkcode ServiceRequest}: a plugin asks for cache, storage, jobs, …; answered by ServiceResult. */
  ServiceRequest: 18,
  /** {@linkcode LogBatch}: console output and background errors; not answered. */
  Log: 19,
  /**
   * No payload. With the id of a request: it was taken up, and the plugin's code runs next. With id 0: the sandbox's
   * event loop turns, sent about every {@linkcode ALIVE_MS} while a request is unanswered. Each call within a request
   * has its own deadline inside the sandbox, so that a long batch may take many deadlines; a sandbox of which nothing
   * at all is heard for one deadline (plus a margin) is stuck in a call.
   */
  Alive: 20,
} as const;
export type FrameKind = typeof FrameKind[keyof typeof FrameKind];

/** Milliseconds between two signs of life of a sandbox that has work. */
export const ALIVE_MS = 100;

/**
 * A plugin as a sandbox needs it: code, identity, configuration. The position in `LoadRequest.plugins` is its index.
 */
export interface PluginSpec {
  pluginConfigId: number;
  teamId: number;
  /** Name from plugin.json, for messages. */
  name: string;
  /** CommonJS code by path within the plugin, `main` first to run; JSON files as their text. */
  files: Record<string, string>;
  main: string;
  /** Writable copy given to the plugin, defaults merged. */
  config: Record<string, unknown>;
  /** `contents` as base64. */
  attachments: Record<string, { content_type: string; file_name: string; contents: string }>;
  /** Task names from `schedule` in plugin.json, besides `runEvery…`. */
  scheduledTasks: string[];
}

export interface LoadRequest {
  plugins: PluginSpec[];
  /** Milliseconds a call may take before it is rejected inside the sandbox (the host kills the cell a little later). */
  deadlineMs: number;
  /** Hosts and networks that `egress` opened, for the guard inside the sandbox. */
  egressAllow: string[];
  /** Whether the sandbox tells of each request that `fetch` sends, in {@linkcode LogBatch}: a dry run lists them. */
  noteRequests?: boolean;
}

/** One entry per plugin of the request. Loading evaluates the code; setupPlugin is a call of its own. */
export interface LoadResult {
  plugins: ({ capabilities: Capabilities } | { error: ErrorRecord })[];
}

/** Runs one function of one plugin. */
export interface CallRequest {
  /** Index into `LoadRequest.plugins`. */
  plugin: number;
  /** `method` is an exported function, `job` a key of `jobs`, `task` a scheduled task. */
  type: "method" | "job" | "task";
  name: string;
  /** Absent: the function is called with meta alone (see DESIGN section 6 for jobs without payload). */
  payload?: unknown;
}

/**
 * Functions that take events, as JSON: processEvent a PluginEvent, the others a ProcessedPluginEvent. `exportEvents`
 * takes the whole batch and has one outcome, given for each event. For `composeWebhook` the sandbox makes `timestamp` a
 * Date, and sends the request that the function composed itself, with the plugin's own guarded fetch: so the host never
 * makes a request whose address a plugin chose, and the egress rules, redirects and rebinding included, are those of
 * the cell. Its outcome is `failed` with `Fetch to <url> failed with <statusText>`, `retry` with that text when the
 * answer was 429 or 5xx or none came, else `ok`.
 */
export type BatchFunction = "processEvent" | "onEvent" | "onSnapshot" | "exportEvents" | "composeWebhook";

export interface BatchHeader {
  fn: BatchFunction;
  /**
   * Indices into `LoadRequest.plugins`, in the order of the chain; more than one only for processEvent in a shared
   * cell.
   */
  chain: number[];
  /** Bytes of each event in the body. */
  lengths: number[];
}

/**
 * What became of one event in one plugin.
 * `ok` ran and returned (the event is what it returned) · `dropped` returned a falsy value · `failed` threw, or
 * returned what is not an event · `retry` threw RetryError or timed out · `skipped` was not run, because an earlier
 * plugin of the chain dropped the event.
 */
export const Outcome = { ok: "o", dropped: "d", failed: "f", retry: "r", skipped: "s" } as const;
export type Outcome = typeof Outcome[keyof typeof Outcome];

export interface BatchResultHeader {
  /** One string per plugin of the chain, one {@linkcode Outcome} character per event. */
  outcomes: string[];
  /** Why events failed. At most one per event and plugin; may be fewer than failures when capped. */
  errors: { event: number; plugin: number; error: ErrorRecord }[];
  /**
   * Bytes of each event in the body; `UNCHANGED` = as it went in, no bytes; 0 = dropped, or the function returns no
   * event.
   */
  lengths: number[];
  /**
   * Milliseconds that each plugin of the chain kept the thread, from a sample of the events; only when there are
   * several plugins. What runs after a plugin has awaited something is not in it.
   */
  spent?: number[];
}
export const UNCHANGED = -1;

/**
 * Service requests of one cell that may be unanswered at a time; the sandbox lets others wait. More is a violation that
 * ends the cell.
 */
export const MAX_SERVICE_REQUESTS = 16;

/**
 * A function a plugin calls on the host, see {@linkcode Services}. `name` is a key of the host's service table, never a
 * path into objects.
 */
export interface ServiceRequest {
  plugin: number;
  name: ServiceName;
  args: unknown[];
  /**
   * The Batch or Call frame (`id`, and the event's index in the batch) whose processing made the call, as far as the
   * sandbox can tell: what an event causes is counted by it. The host looks it up among what is in flight and believes
   * nothing else of it.
   */
  cause?: { id: number; event?: number };
}

/** The closed list of what a sandbox may ask of the host, by the names that plugins know. */
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
 * The arguments and the answer of each service. What plugins pass is turned into these by the sandbox; the host checks
 * it again, since nothing that comes out of a cell can be trusted.
 */
export interface Services {
  /** The value as text (JSON unless the plugin said otherwise), null to clear the key; and seconds to live or null. */
  "cache.set": (key: string, value: string | null, ttlSeconds: number | null) => null;
  /** The text, or null when there is none. */
  "cache.get": (key: string) => string | null;
  "cache.incr": (key: string) => number;
  "cache.expire": (key: string, ttlSeconds: number) => boolean;
  "cache.lpush": (key: string, elements: string[]) => number;
  "cache.lrange": (key: string, start: number, end: number) => string[];
  "cache.llen": (key: string) => number;
  "cache.lrem": (key: string, count: number, element: string) => number;
  /** Null when there is no list. */
  "cache.lpop": (key: string, count: number) => string[] | null;
  /** JSON text, or null when the key is missing. */
  "storage.get": (key: string) => string | null;
  "storage.set": (key: string, json: string) => null;
  "storage.del": (key: string) => null;
  "cursor.init": (key: string, initialValue: number) => null;
  "cursor.increment": (key: string, incrementBy: number) => number;
  /** `runAt` in milliseconds since the epoch. A job without payload sends null. */
  "jobs.enqueue": (type: string, payload: unknown, runAt: number) => null;
  /** MaxMind's City response, or null when the address is unknown. */
  "geoip.locate": (ip: string) => Record<string, unknown> | null;
  /** One operation on a metric of the plugin's own, see sandbox/meta/metrics.ts. */
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

/** What came back; the sandbox makes a Response of it. */
export interface ApiResponse {
  status: number;
  statusText: string;
  url: string;
  headers: [string, string][];
  /** As base64. */
  body: string;
}

/**
 * A call to another host than the operator's, with the plugin's own keys: the sandbox sends it through its own guarded
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
    /** Milliseconds since the epoch by the sandbox's clock; the host uses its own when it is far off. */
    at: number;
  }[];
  /** Entries and requests left out because a bound acted. */
  dropped: number;
  /** Absent unless {@linkcode LoadRequest} asked for them. */
  requests?: FetchedRequest[];
}

/** A request that a plugin made with `fetch`, or with what stands on it. Redirects that are followed are requests too. */
export interface FetchedRequest {
  method: string;
  url: string;
  headers: [string, string][];
  /** Null when there is none, or when it is a stream, which is sent as it comes. */
  body: string | null;
}

export type Answer = { ok: true; value?: unknown } | { ok: false; error: ErrorRecord };
