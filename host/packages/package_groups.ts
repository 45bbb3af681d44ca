/**
 * Which packages of deno.json are for what. Only `service` comes with the first start; the others come when something
 * needs them, and then stay.
 *
 * Every name under `imports` in deno.json stands in exactly one group (`tests/host/packages/package_groups_test.ts`).
 * @module
 */

export const PACKAGE_GROUPS = {
  /** What `start` and the other commands import. Adding to it makes everybody's first start longer. */
  service: [
    "@babel/core",
    "@babel/plugin-transform-modules-commonjs",
    "@babel/preset-typescript",
    "@jridgewell/trace-mapping",
    "@maxmind/geoip2-node",
    "commander",
    "croner",
    "hono",
    "ioredis",
    "jsonc-parser",
    "modern-tar",
    "nodemailer",
    "picocolors",
    "postgres",
    "prom-client",
    "ses",
    "zod",
  ],
  /** What plugins import (`runtime/modules.ts`); each comes with the first plugin that imports it. */
  plugins: [
    "@google-cloud/bigquery",
    "@google-cloud/pubsub",
    "@google-cloud/storage",
    "@posthog/plugin-contrib",
    "aws-sdk",
    "ethers",
    "faker",
    "generic-pool",
    "jsonwebtoken",
    "pg",
    "snowflake-sdk",
  ],
  /** Traces of events, with `OTEL_DENO`. */
  tracing: ["@opentelemetry/api"],
  /** An event log on Kafka. */
  kafka: ["@platformatic/kafka"],
  /** `/static/array.js` and its parts, for pages. */
  scripts: ["posthog-js"],
  /** `hogpen bundle`. */
  bundle: ["esbuild"],
  /** The page of the operator, when it is first opened; it is built by the bundler above. */
  ui: [
    "@codemirror/commands",
    "@codemirror/lang-javascript",
    "@codemirror/lang-json",
    "@codemirror/language",
    "@codemirror/state",
    "@codemirror/view",
    "@lezer/highlight",
    "micromark",
    "preact",
    "uplot",
  ],
  /** `hogpen test`. */
  jest: [
    "@jest/fake-timers",
    "@posthog/plugin-scaffold/test/utils",
    "expect",
    "jest-diff",
    "jest-mock",
    "picomatch",
    "pretty-format",
    "resolve.exports",
  ],
  /** What only tests, benchmarks and types of the project's own code name. */
  development: [
    "axe-core",
    "@posthog/geoip-plugin",
    "@posthog/plugin-scaffold",
    "@posthog/taxonomy-plugin",
    "@segment/analytics-node",
    "fast-check",
    "fflate",
    "lz-string",
    "node-fetch",
    "playwright-core",
    "posthog-js-1.100",
    "posthog-js-1.20",
    "posthog-node",
    "standardwebhooks",
    "yaml",
  ],
} as const satisfies Record<string, readonly string[]>;

export type PackageGroup = keyof typeof PACKAGE_GROUPS;

/** True for a name that plugins import and that has to be installed. */
export function isPluginPackage(name: string): boolean {
  return (PACKAGE_GROUPS.plugins as readonly string[]).includes(name);
}

/** The packages of these groups; of all when none is named. */
export function packagesOf(groups: readonly PackageGroup[] = Object.keys(PACKAGE_GROUPS) as PackageGroup[]): string[] {
  return groups.flatMap((group) => PACKAGE_GROUPS[group]);
}
