/**
 * Where Kafka is and what of it is ours: what the settings say, as the client takes it.
 * @module
 */

import type { BaseOptions, SASLMechanismValue } from "@platformatic/kafka";

export interface KafkaSettings {
  /** `host:port` of brokers to ask for the rest. */
  brokers: string[];
  /** Names of topics, of the group and of producers begin with it. */
  prefix: string;
  /** Of topics that do not exist yet. */
  partitions: number;
  /** Copies of each partition of topics that do not exist yet. */
  replication: number;
  /** Names this host among those of the cluster; the same after a restart. */
  hostId: string;
  sasl: { mechanism: SASLMechanismValue; username: string; password: string } | null;
  tls: { ca: string[] } | null;
  /** Milliseconds without a heartbeat after which the group gives a host's partitions to others. */
  sessionMs: number;
}

/** The three topics of the log. `progress` holds how far routing has come in each partition of the inbox. */
export interface TopicNames {
  inbox: string;
  outbox: string;
  progress: string;
}

export function topicNames({ prefix }: KafkaSettings): TopicNames {
  return { inbox: `${prefix}inbox`, outbox: `${prefix}outbox`, progress: `${prefix}progress` };
}

/** The transactional id of a host's producer, by which others can end what it left unfinished. */
export function transactionalId({ prefix }: KafkaSettings, hostId: string): string {
  return `${prefix}router-${hostId}`;
}

/** What every client of the host is made with. Each gives up after a few seconds: who uses it decides what then. */
export function clientOptions(settings: KafkaSettings): BaseOptions {
  return {
    clientId: settings.hostId,
    bootstrapBrokers: settings.brokers,
    autocreateTopics: false,
    connectTimeout: 3000,
    requestTimeout: 10_000,
    timeout: 8000,
    retries: 8,
    // A transaction often finds the one before it not quite ended, for some milliseconds.
    retryDelay: (_client, _operation, attempt) => Math.min(500, 5 * 2 ** attempt),
    metadataMaxAge: 30_000,
    ...(settings.sasl && { sasl: settings.sasl }),
    ...(settings.tls && { tls: settings.tls.ca.length > 0 ? { ca: settings.tls.ca } : {} }),
  };
}
