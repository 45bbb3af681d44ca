/**
 * Settings of a log on a private Kafka.
 * @module
 */

import { parseBrokers } from "../../../host/log/kafka/kafka_from_settings.ts";
import type { KafkaSettings } from "../../../host/log/kafka/cluster/kafka_settings.ts";

/** @param brokers `host:port,…` */
export function settingsFor(brokers: string, more: Partial<KafkaSettings> = {}): KafkaSettings {
  return {
    brokers: parseBrokers(brokers),
    prefix: "test-",
    partitions: 4,
    replication: 1,
    messageBytes: 32_000_000,
    compression: "lz4",
    hostId: "host",
    sasl: null,
    tls: null,
    sessionMs: 6000,
    ...more,
  };
}
