/**
 * The modules that a plugin may import, and how its code asks for them and for its own files.
 *
 * The host turns every file of a plugin into CommonJS. In it, `require` is called with one of two things:
 * a name of {@linkcode PROVIDED_MODULES}, or `/` and the path of another file of the plugin, exactly as it stands in
 * `PluginSpec.files` (`require("/src/send.ts")`; the host has resolved `./send`). What a plugin computes at run time
 * may be anything else, and is refused with {@linkcode notProvidedMessage}.
 * @module
 */

/** Exact names; deep paths such as `pg/lib/client` are not provided. */
export const PROVIDED_MODULES = [
  "@google-cloud/bigquery",
  "@google-cloud/pubsub",
  "@google-cloud/storage",
  "@posthog/plugin-contrib",
  "@posthog/plugin-scaffold",
  "aws-sdk",
  "crypto",
  "ethers",
  "faker",
  "generic-pool",
  "jsonwebtoken",
  "node-fetch",
  "pg",
  "snowflake-sdk",
  "stream",
  "url",
  "zlib",
] as const;

/** The name of a module that plugins may import. */
export type ProvidedModule = typeof PROVIDED_MODULES[number];

/** True for the exact name of a module that plugins may import. */
export function isProvidedModule(name: string): name is ProvidedModule {
  return (PROVIDED_MODULES as readonly string[]).includes(name);
}

/** PostHog's words for any other module. */
export function notProvidedMessage(name: string): string {
  return `Cannot import '${name}'! This package is not provided by PostHog in plugins.`;
}
