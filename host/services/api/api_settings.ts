/**
 * Where `posthog.api` goes and with which keys: the operator's settings, for all projects or for one.
 * @module
 */

export interface ApiSettings {
  /** Address of a PostHog instance, without path. */
  host: string | null;
  /** `phx_…`: what a call without keys of its own uses. Never leaves the host process but to `host`. */
  personalApiKey: string | null;
  /** What is sent as `token`. */
  projectApiKey: string | null;
  /** What `@current` in a path stands for. */
  projectId: string;
}
