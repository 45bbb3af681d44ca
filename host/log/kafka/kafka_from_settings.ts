/**
 * Opens the event log on Kafka according to the process settings.
 * @module
 */

import { isIPv6 } from "node:net";
import type { Broker } from "@platformatic/kafka";
import { BackEndError } from "../../back_end_error.ts";
import { UsageError } from "../../config/read_settings.ts";
import { dutiesOf } from "../../config/host_role.ts";
import type { Settings } from "../../config/settings.ts";
import type { KafkaEventLog } from "./kafka_event_log.ts";
import type { KafkaSettings } from "./cluster/kafka_settings.ts";
import { openKafkaEventLog } from "./open_kafka_event_log.ts";
import { describe, TopicError } from "./cluster/topics.ts";

/** How long the start waits for Kafka, which may be starting too, in milliseconds. */
const START_MS = 30_000;
const RETRY_MS = 1000;
/** Below this, events that PostHog takes would not fit. */
const LEAST_MESSAGE_BYTES = 1_000_000;
/** The same message is not repeated within this time, in milliseconds. */
const QUIET_MS = 10_000;

/**
 * @param hostId is unique to this host and stays the same after a restart
 * @param notices are told of outages, and of the partitions that the host takes over
 * @throws UsageError for settings that do not fit together, BackEndError when Kafka cannot be used
 */
export async function openKafkaFromSettings(
  settings: Settings,
  hostId: string,
  notices: { warn(message: string): void; info(message: string): void },
): Promise<KafkaEventLog> {
  const { databaseUrl } = settings;
  if (databaseUrl === null) {
    throw new UsageError([
      "HOGPEN_KAFKA: found brokers but no DATABASE_URL, expected Postgres too, which hosts on one Kafka share; set DATABASE_URL",
    ]);
  }
  const kafka = kafkaSettings(settings, hostId);
  const onError = quietly(notices.warn);
  const { routes, delivers } = dutiesOf(settings.hostRole);
  const owns = { inbox: routes, outbox: delivers };
  for (const until = Date.now() + START_MS;;) {
    try {
      return await openKafkaEventLog({ settings: kafka, databaseUrl, owns, onError, onTakeOver: notices.info });
    } catch (error) {
      if (error instanceof BackEndError) throw error;
      if (error instanceof TopicError) throw new BackEndError(error.message, { cause: error });
      const found = describe(error).replace(/\.$/, "");
      if (isOfAuthentication(error)) {
        throw new BackEndError(
          `Cannot log in to Kafka at ${settings.kafka}: ${found}. Check HOGPEN_KAFKA_SASL (found ${settings.kafkaSasl}), ` +
            "HOGPEN_KAFKA_USERNAME and HOGPEN_KAFKA_PASSWORD, and that HOGPEN_KAFKA names a listener with SASL",
          { cause: error },
        );
      }
      if (Date.now() > until) {
        throw new BackEndError(
          `Cannot use Kafka at ${settings.kafka}: ${found}. Check HOGPEN_KAFKA and that the brokers run`,
          { cause: error },
        );
      }
      onError(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

const LOGIN_REFUSED = new Set(["SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE"]);

/** Whether Kafka refuses the name or the password, which will not go away by itself. Looks at the causes too. */
function isOfAuthentication(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && error.code === "PLT_KFK_AUTHENTICATION") return true;
  if ("apiId" in error && LOGIN_REFUSED.has(String(error.apiId))) return true;
  const inner = error instanceof AggregateError ? error.errors : [];
  return [...inner, error.cause].some(isOfAuthentication);
}

/** @throws UsageError unless it is `host:port` of at least one broker, separated by commas */
export function parseBrokers(text: string): Broker[] {
  const brokers = text.split(",").map((broker) => broker.trim()).filter((broker) => broker !== "");
  if (brokers.length === 0) throw wrongBroker(text);
  return brokers.map((broker) => {
    const [, six, name, digits] = broker.match(/^(?:\[([^[\]]+)\]|([^:\s[\]]+)):(\d{1,5})$/) ?? [];
    const port = Number(digits);
    if (!(port >= 1 && port <= 65535) || (six !== undefined && !isIPv6(six))) throw wrongBroker(broker);
    return { host: six ?? name ?? "", port };
  });
}

function wrongBroker(found: string): UsageError {
  return new UsageError([
    `HOGPEN_KAFKA: found ${
      JSON.stringify(found)
    }, expected host:port of each broker, separated by commas, with a port ` +
    "from 1 to 65535 and an IPv6 address in brackets: [::1]:9092",
  ]);
}

function kafkaSettings(settings: Settings, hostId: string): KafkaSettings {
  const brokers = parseBrokers(settings.kafka ?? "");
  if (settings.kafkaMessageBytes < LEAST_MESSAGE_BYTES) {
    throw new UsageError([
      `HOGPEN_KAFKA_MESSAGE_BYTES: found ${settings.kafkaMessageBytes}, expected at least ${LEAST_MESSAGE_BYTES}, so that ` +
      "the events that PostHog takes fit",
    ]);
  }
  const { kafkaSasl, kafkaUsername, kafkaPassword } = settings;
  if (kafkaSasl !== "none" && (kafkaUsername === null || kafkaPassword === null)) {
    throw new UsageError([
      `HOGPEN_KAFKA_SASL: found ${kafkaSasl} without a name or a password; set HOGPEN_KAFKA_USERNAME and HOGPEN_KAFKA_PASSWORD`,
    ]);
  }
  if (kafkaSasl === "none" && (kafkaUsername !== null || kafkaPassword !== null)) {
    throw new UsageError([
      "HOGPEN_KAFKA_SASL: found none with HOGPEN_KAFKA_USERNAME or HOGPEN_KAFKA_PASSWORD, expected plain, scram-sha-256 " +
      "or scram-sha-512, or no name and password",
    ]);
  }
  if (!PREFIX.test(settings.kafkaPrefix)) {
    throw new UsageError([
      `HOGPEN_KAFKA_PREFIX: found ${
        JSON.stringify(settings.kafkaPrefix)
      }, expected 1 to 200 of a-z, A-Z, 0-9, ., _ and -, ` +
      "as in names of Kafka's topics",
    ]);
  }
  return {
    brokers,
    prefix: settings.kafkaPrefix,
    partitions: settings.kafkaPartitions,
    replication: settings.kafkaReplication,
    messageBytes: settings.kafkaMessageBytes,
    compression: settings.kafkaCompression,
    hostId,
    sasl: kafkaSasl === "none" ? null : {
      mechanism: MECHANISMS[kafkaSasl],
      username: kafkaUsername ?? "",
      password: kafkaPassword ?? "",
    },
    tls: settings.kafkaTls ? { ca: [] } : null,
    sessionMs: settings.kafkaSessionSeconds * 1000,
  };
}

/** Names of topics have 249 characters at most. */
const PREFIX = /^[a-zA-Z0-9._-]{1,200}$/;
const MECHANISMS = { "plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512" } as const;

function quietly(warn: (message: string) => void): (error: unknown) => void {
  const said = new Map<string, number>();
  return (error) => {
    const message = describe(error);
    const now = Date.now();
    if (now - (said.get(message) ?? -Infinity) < QUIET_MS) return;
    said.set(message, now);
    if (said.size > 100) said.clear();
    warn(`Kafka: ${message}`);
  };
}
