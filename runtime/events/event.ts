/**
 * The shapes an event has on its way: as a plugin sees it before it is stored, as it stands in the outbox, and as
 * onEvent and exportEvents see it.
 * @module
 */

/** Free-form properties, plain JSON. */
export type Properties = Record<string, unknown>;

/**
 * What processEvent receives and returns, and what the inbox holds (as JSON text).
 * Fields other than these are whatever the SDK sent, and are kept.
 */
export interface PluginEvent {
  /** UUID of the event; what consumers deduplicate by. */
  uuid: string;
  event: string;
  /** At most 200 characters. */
  distinct_id: string;
  team_id: number;
  properties: Properties;
  /** Null when the project anonymises addresses. */
  ip: string | null;
  site_url: string | null;
  /** ISO 8601: when the server received the request. */
  now: string;
  /** ISO 8601: the client's clock when it sent the request. */
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
 * What the outbox holds: the event after the last plugin, with `timestamp` resolved to ISO 8601 UTC
 * and `$plugins_succeeded`, `$plugins_failed` and `$plugins_deferred` among its properties when one is not empty.
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
  /** From `properties.$elements` of an autocaptured event; otherwise empty. */
  elements: Element[];
}

/** One element of the chain from the clicked element to the document. */
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
