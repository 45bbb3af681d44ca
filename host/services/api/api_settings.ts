/**
 * The operator's settings for `posthog.api`, its host and keys, for all projects or for one.
 * @module
 */

export interface ApiSettings {
  /** Address of a PostHog instance, without path. */
  host: string | null;
  /** `phx_…`: the key of calls that bring none of their own. It is sent to `host` only. */
  personalApiKey: string | null;
  /** The value sent as `token`. */
  projectApiKey: string | null;
  /** The project id that replaces `@current` in a path. */
  projectId: string;
}
