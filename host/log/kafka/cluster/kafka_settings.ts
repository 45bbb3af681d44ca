/**
 * Kafka's address and the names that we use there, converted from the settings to the client's options.
 * @module
 */

import type { BaseOptions, Broker, SASLMechanismValue } from "@platformatic/kafka";
import { hasInIt } from "./client_error.ts";

export interface KafkaSettings {
  /** The brokers to ask first, which tell of the others. */
  brokers: Broker[];
  /** The prefix of the names of topics, of the group and of producers. */
  prefix: string;
  /** The number of partitions for topics that do not exist yet. */
  partitions: number;
  /** The replicas of each partition for topics that do not exist yet. */
  replication: number;
  /** The topics' `max.message.bytes`: bounds an event, and what is sent of a partition at once. */
  messageBytes: number;
  compression: "none" | "gzip" | "lz4" | "zstd";
  /** Identifies this host in the cluster; stays the same after a restart. */
  hostId: string;
  sasl: { mechanism: SASLMechanismValue; username: string; password: string } | null;
  tls: { ca: string[] } | null;
  /** Milliseconds without a heartbeat after which the group gives a host's partitions to others. */
  sessionMs: number;
}

/** The three topics of the log. `progress` records how far routing has come in each partition of the inbox. */
export interface TopicNames {
  inbox: string;
  outbox: string;
  progress: string;
}

export function topicNames({ prefix }: KafkaSettings): TopicNames {
  return { inbox: `${prefix}inbox`, outbox: `${prefix}outbox`, progress: `${prefix}progress` };
}

/** The transactional id of a host's producer. With it, other hosts can end a transaction that the host left open. */
export function transactionalId({ prefix }: KafkaSettings, hostId: string): string {
  return `${prefix}router-${hostId}`;
}

/**
 * The options that all clients of the host share. Each gives up after a few seconds and leaves the decision to its
 * user.
 */
export function clientOptions(settings: KafkaSettings): BaseOptions {
  return {
    clientId: settings.hostId,
    bootstrapBrokers: inTurn(settings.brokers),
    autocreateTopics: false,
    connectTimeout: 3000,
    requestTimeout: 5000,
    // Less than the above, so that a broker that waits for its replicas says so itself.
    timeout: 4000,
    retries: 8,
    // A transaction often finds that the previous one needs a few more milliseconds to end.
    retryDelay: (_client, _operation, attempt, _retries, error) =>
      isOfBroker(error) ? SOON_MS : Math.min(500, 5 * 2 ** attempt),
    metadataMaxAge: 30_000,
    ...(settings.sasl && { sasl: settings.sasl }),
    ...(settings.tls && { tls: settings.tls.ca.length > 0 ? { ca: settings.tls.ca } : {} }),
  };
}

const SOON_MS = 20;
/** With these a broker says that it is not the one to ask. */
const WRONG_BROKER = ["NOT_COORDINATOR", "NOT_LEADER_OR_FOLLOWER", "FENCED_LEADER_EPOCH"];

/**
 * Whether the broker is gone or has lost its part. The client would ask the same one again, which is not worth waiting
 * for: a new client finds out whom to ask now.
 */
function isOfBroker(error: Error): boolean {
  return hasInIt(error, "code", "PLT_KFK_NETWORK") || WRONG_BROKER.some((id) => hasInIt(error, "apiId", id));
}

let turn = 0;
/** The brokers, starting with a different one each time: the client asks the first one, even if it stands still. */
function inTurn(brokers: Broker[]): Broker[] {
  const at = turn++ % brokers.length;
  return [...brokers.slice(at), ...brokers.slice(0, at)];
}
