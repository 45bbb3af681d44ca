/**
 * The table of all process settings: name, variable, default, and the line that `--help` prints.
 * @module
 */

import { HOST_ROLES } from "./host_role.ts";
import {
  address,
  bytes,
  certificates,
  choice,
  headerName,
  integer,
  pathPrefix,
  proxies,
  seconds,
  secret,
  type Setting,
  text,
  yesNo,
} from "./setting_kinds.ts";

/** By the name in code. The flag is the same in kebab case: `adminToken` is `--admin-token`. */
export const SETTINGS = {
  config: text("hogpen.json", {
    env: "HOGPEN_CONFIG",
    help: "The configuration; when there is no hogpen.json, a local project with two plugins runs",
  }),
  port: integer(8000, 0, 65_535, { env: "HOGPEN_PORT", help: "Where the service listens; 0 takes a free port" }),
  host: text("127.0.0.1", {
    env: "HOGPEN_HOST",
    help: "The address it listens on: of this machine alone when not set, 0.0.0.0 for all that the machine has",
  }),
  adminPort: integer(null, 0, 65_535, {
    env: "HOGPEN_ADMIN_PORT",
    help: "A port of its own for the API, the web page and /metrics, which the other port answers no more then",
  }),
  adminHost: text("127.0.0.1", { env: "HOGPEN_ADMIN_HOST", help: "The address that the admin port listens on" }),
  reusePort: yesNo(false, {
    env: "HOGPEN_REUSE_PORT",
    help:
      "Share the ports with another process of this machine and wait until it lets go of the data folder: a restart without a gap (Linux)",
  }),
  tlsCert: text(null, {
    env: "HOGPEN_TLS_CERT",
    help: "PEM file with the certificate for HTTPS and those below its authority; taken anew when it changes",
  }),
  tlsKey: text(null, { env: "HOGPEN_TLS_KEY", help: "PEM file with the certificate's key" }),
  pathPrefix: pathPrefix({
    env: "HOGPEN_PATH_PREFIX",
    help: "What proxies in front leave before our paths, such as /ingest; X-Forwarded-Prefix is read in any case",
  }),
  data: text("./data", { env: "HOGPEN_DATA", help: "Folder of the event log, the store and the caches of files" }),
  adminToken: secret({ env: "HOGPEN_ADMIN_TOKEN", help: "Token of the API; made at the first start when absent" }),
  metricsToken: secret({
    env: "HOGPEN_METRICS_TOKEN",
    help: "Token that /metrics asks for; when absent, whoever reaches the port may read it",
  }),
  secretKey: secret({
    env: "HOGPEN_SECRET_KEY",
    help: "Key that seals what is made through the API; one is kept in the data folder when absent",
  }),
  oldSecretKeys: secret({
    env: "HOGPEN_OLD_SECRET_KEYS",
    help: "Keys that it replaces, with commas between them; what they sealed is sealed anew at the start",
  }),
  auditDays: integer(365, 1, 36_500, { env: "HOGPEN_AUDIT_DAYS", help: "Days that the audit of changes is kept" }),
  ui: choice("edit", ["edit", "readonly", "off"], {
    env: "HOGPEN_UI",
    help: "The web page at /_hogpen/: with its controls, without them, or none",
  }),
  watch: yesNo(true, { env: "HOGPEN_WATCH", help: "Apply changes of the configuration while running" }),
  watchPlugins: yesNo(false, { env: "HOGPEN_WATCH_PLUGINS", help: "Also load plugins anew when their folders change" }),

  taskTimeout: seconds(30, 0.05, 3600, { env: "TASK_TIMEOUT", help: "How long a call of a plugin may take" }),
  // Measured as resident memory: 71 MB with nothing loaded, 90 MB with aws-sdk, 106 MB with snowflake-sdk.
  pluginMemoryMb: integer(256, 96, 65_536, {
    env: "HOGPEN_PLUGIN_MEMORY_MB",
    help: "Most memory of a plugin's process, in MB",
  }),
  pluginIdleSeconds: seconds(0, 0, 86_400, {
    env: "HOGPEN_PLUGIN_IDLE_SECONDS",
    help: "End a plugin's process after this time without work, until there is some; 0 keeps it",
  }),
  geoipDb: text(null, { env: "HOGPEN_GEOIP_DB", help: "MaxMind database (.mmdb) for geoip.locate" }),
  posthogHost: address(["http", "https"], { env: "POSTHOG_HOST", help: "PostHog for posthog.api" }),
  posthogPersonalApiKey: secret({ env: "POSTHOG_PERSONAL_API_KEY", help: "Personal API key for posthog.api" }),
  posthogProjectApiKey: secret({ env: "POSTHOG_PROJECT_API_KEY", help: "Project API key for posthog.api" }),
  posthogProjectId: text("@current", { env: "POSTHOG_PROJECT_ID", help: "What @current stands for in posthog.api" }),
  githubToken: secret({ env: "GITHUB_TOKEN", help: "Token for plugins in private GitHub repositories" }),
  gitlabToken: secret({ env: "GITLAB_TOKEN", help: "Token for plugins in private GitLab repositories" }),
  npmToken: secret({ env: "NPM_TOKEN", help: "Token for private npm packages" }),

  caCerts: certificates({
    env: "HOGPEN_CA_CERTS",
    help: "PEM file with certificate authorities that the service and its plugins trust besides the public ones",
  }),

  upstreamHost: address(["http", "https"], {
    env: "HOGPEN_POSTHOG_HOST",
    help: "Without hogpen.json: the PostHog behind this service, which everything but capture passes to",
  }),
  upstreamApiKey: secret({
    env: "HOGPEN_POSTHOG_PROJECT_API_KEY",
    help: "Without hogpen.json: the project's key there, which SDKs use here as well",
  }),

  redisUrl: address(["redis", "rediss"], {
    env: "REDIS_URL",
    help: "Redis for the plugins' cache; in memory when absent",
  }),
  databaseUrl: address(["postgres", "postgresql"], {
    env: "DATABASE_URL",
    help: "Postgres for jobs, storage, state and logs; SQLite when absent",
  }),
  kafka: text(null, {
    env: "HOGPEN_KAFKA",
    help:
      "Brokers of Kafka (host:port,host:port) for the event log of several hosts; needs DATABASE_URL. SQLite when absent",
  }),
  hostRole: choice("all", HOST_ROLES, {
    env: "HOGPEN_ROLE",
    help:
      "What a host on Kafka does besides taking events: all; route: pass them through processEvent; consume: deliver them, and run jobs and schedules; intake: nothing",
  }),
  kafkaPrefix: text("hogpen-", {
    env: "HOGPEN_KAFKA_PREFIX",
    help: "What the names of Kafka's topics and groups begin with",
  }),
  kafkaPartitions: integer(12, 1, 1000, {
    env: "HOGPEN_KAFKA_PARTITIONS",
    help: "Partitions of topics that are made; at least as many as there will be hosts",
  }),
  kafkaReplication: integer(1, 1, 10, {
    env: "HOGPEN_KAFKA_REPLICATION",
    help: "Copies of each partition of topics that are made",
  }),
  kafkaMessageBytes: bytes("32MB", {
    env: "HOGPEN_KAFKA_MESSAGE_BYTES",
    help: "The largest message of the topics (their max.message.bytes); larger events are refused",
  }),
  kafkaCompression: choice("lz4", ["none", "gzip", "lz4", "zstd"], {
    env: "HOGPEN_KAFKA_COMPRESSION",
    help: "How events are compressed in Kafka",
  }),
  kafkaSasl: choice("none", ["none", "plain", "scram-sha-256", "scram-sha-512"], {
    env: "HOGPEN_KAFKA_SASL",
    help: "How the host proves to Kafka who it is",
  }),
  kafkaUsername: text(null, { env: "HOGPEN_KAFKA_USERNAME", help: "Name for Kafka's SASL" }),
  kafkaPassword: secret({ env: "HOGPEN_KAFKA_PASSWORD", help: "Password for Kafka's SASL" }),
  kafkaTls: yesNo(false, { env: "HOGPEN_KAFKA_TLS", help: "Talk to Kafka over TLS" }),
  kafkaSessionSeconds: seconds(6, 2, 300, {
    env: "HOGPEN_KAFKA_SESSION_SECONDS",
    help: "A host that Kafka does not hear of for this long loses its partitions to the others",
  }),
  cacheMaxBytes: bytes("64MB", { env: "HOGPEN_CACHE_MAX_BYTES", help: "Bound of the plugins' cache in memory" }),
  sync: choice("full", ["full", "normal"], {
    env: "HOGPEN_SYNC",
    help: "What an accepted event survives: full a power cut, normal the death of the process; faster",
  }),
  logMaxBytes: bytes("10GB", {
    env: "HOGPEN_LOG_MAX_BYTES",
    help: "Bound of the event log on disk; intake answers 503 above it",
  }),
  logRetentionHours: integer(168, 0, 87_600, {
    env: "HOGPEN_LOG_RETENTION_HOURS",
    help: "Hours that events stay in the log once every consumer has passed them",
  }),
  logRetentionBytes: bytes("5GB", {
    env: "HOGPEN_LOG_RETENTION_BYTES",
    help: "Events that every consumer has passed go earlier while the log is larger",
  }),

  trustProxy: proxies("private", {
    env: "HOGPEN_TRUST_PROXY",
    help:
      "Proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed: addresses and networks (10.0.0.0/8,…), private for those of private networks, yes for all, no for none",
  }),
  clientIpHeader: headerName({
    env: "HOGPEN_CLIENT_IP_HEADER",
    help:
      "A header in which believed proxies name the client's address, such as CF-Connecting-IP, read before the others",
  }),
  projectEventsPerSecond: integer(null, 1, 10_000_000, {
    env: "HOGPEN_PROJECT_EVENTS_PER_SECOND",
    help: "Events that each project may send a second; more are answered with 429",
  }),
  projectBytesPerSecond: integer(null, 1024, 10_000_000_000, {
    env: "HOGPEN_PROJECT_BYTES_PER_SECOND",
    help: "Bytes of events that each project may send a second",
  }),
  addressEventsPerSecond: integer(null, 1, 10_000_000, {
    env: "HOGPEN_ADDRESS_EVENTS_PER_SECOND",
    help: "Events that each client address may send a second; set HOGPEN_TRUST_PROXY where proxies are in front",
  }),
  addressBytesPerSecond: integer(null, 1024, 10_000_000_000, {
    env: "HOGPEN_ADDRESS_BYTES_PER_SECOND",
    help: "Bytes of events that each client address may send a second",
  }),
  burstSeconds: integer(10, 1, 3600, {
    env: "HOGPEN_BURST_SECONDS",
    help: "How many seconds' worth of these limits may come at once",
  }),
  captureDepth: integer(5, 0, 1000, {
    env: "HOGPEN_CAPTURE_DEPTH",
    help: "How many posthog.capture calls may lie between an SDK's event and the last event of a chain",
  }),
  capturesPerEvent: integer(100, 0, 1_000_000, {
    env: "HOGPEN_CAPTURES_PER_EVENT",
    help: "posthog.capture calls that one event may cause in one plugin; a tenth for each capture that lies behind it",
  }),
  capturesWithoutCause: integer(100, 0, 1_000_000, {
    env: "HOGPEN_CAPTURES_WITHOUT_CAUSE",
    help: "posthog.capture calls of one plugin an hour outside of any event, job or task",
  }),
  capturesOfRuns: integer(100_000, 0, 1_000_000_000, {
    env: "HOGPEN_CAPTURES_OF_RUNS",
    help: "posthog.capture calls of one plugin an hour in its jobs and scheduled tasks",
  }),
  pluginLogLines: integer(10_000, 1, 10_000_000, {
    env: "HOGPEN_PLUGIN_LOG_LINES",
    help: "Log entries kept for each plugin",
  }),
  pluginLogDays: integer(7, 1, 3650, {
    env: "HOGPEN_PLUGIN_LOG_DAYS",
    help: "Days that log entries of plugins are kept",
  }),
  logLevel: choice("info", ["debug", "info", "warn", "error"], {
    env: "HOGPEN_LOG_LEVEL",
    help: "What the service itself prints",
  }),
  logFormat: choice("text", ["text", "json"], {
    env: "HOGPEN_LOG_FORMAT",
    help: "How the service prints it; json is an object for each line, and nothing else",
  }),
} satisfies Record<string, Setting<unknown>>;

type Table = typeof SETTINGS;

/** The values of all process settings. */
export type Settings = { [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never };

export type SettingName = keyof Table;

/** `--admin-token` for `adminToken`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
