/**
 * The shapes of an event on its way: as a plugin sees it before it is stored, as it is in the outbox, and as onEvent
 * and exportEvents see it.
 * @module
 */

/** Arbitrary properties in plain JSON. */
export type Properties = Record<string, unknown>;

/**
 * What processEvent receives and returns, and what the inbox holds as JSON text. Any other fields are whatever the SDK
 * sent, and are kept.
 */
export interface PluginEvent {
  /** The event's UUID, by which consumers recognise duplicates. */
  uuid: string;
  event: string;
  /** At most 200 characters. */
  distinct_id: string;
  team_id: number;
  properties: Properties;
  /** Null if the project anonymises addresses. */
  ip: string | null;
  site_url: string | null;
  /** ISO 8601: when the server received the request. */
  now: string;
  /** ISO 8601: the time on the client's clock when it sent the request. */
  sent_at?: string;
  /** As the client sent it, not normalised. */
  timestamp?: string;
  /** Milliseconds before `now`. */
  offset?: number;
  $set?: Properties;
  $set_once?: Properties;
  [key: string]: unknown;
}

/**
 * What the outbox holds: the event after the last plugin. Its `timestamp` is resolved to ISO 8601 UTC, and
 * `$plugins_succeeded`, `$plugins_failed` and `$plugins_deferred` are among its properties unless they are empty.
 */
export interface OutboxEvent extends PluginEvent {
  timestamp: string;
}

/** What onEvent, onSnapshot and exportEvents receive. */
export interface ProcessedPluginEvent {
  uuid: string;
  event: string;
  distinct_id: string;
  team_id: number;
  ip: string | null;
  properties: Properties;
  /** ISO 8601 UTC. */
  timestamp: string;
  $set?: Properties;
  $set_once?: Properties;
  /** Taken from `properties.$elements` of an autocaptured event; otherwise empty. */
  elements: Element[];
}

/** One element on the way from the clicked element up to the document. */
export interface Element {
  text?: string;
  tag_name?: string;
  href?: string;
  attr_id?: string;
  attr_class?: string[];
  nth_child?: number;
  nth_of_type?: number;
  attributes?: Record<string, unknown>;
  order?: number;
}
