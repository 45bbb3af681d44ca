/**
 * The modules that a plugin may import, and how its compiled code refers to them and to its own files.
 *
 * The host compiles every file of a plugin to CommonJS. In the result, `require` is called either with one of
 * {@linkcode PROVIDED_MODULES}, or with `/` and the path of another file of the plugin, exactly as it is in
 * `PluginSpec.files`: for example `require("/src/send.ts")`, where the source says `./send`. Anything else that a
 * plugin computes at run time is refused with {@linkcode notProvidedMessage}.
 * @module
 */

/** Exact names. Deep paths such as `pg/lib/client` are not provided. */
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

/** PostHog's error message for any other module. */
export function notProvidedMessage(name: string): string {
  return `Cannot import '${name}'! This package is not provided by PostHog in plugins.`;
}
