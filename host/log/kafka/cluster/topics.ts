/**
 * The topics of the log: created when they are missing, checked when they exist.
 * @module
 */

import { Admin, type ClusterMetadata, ConfigResourceTypes } from "@platformatic/kafka";
import { hasInIt } from "./client_error.ts";
import { clientOptions, type KafkaSettings, topicNames } from "./kafka_settings.ts";
import { guardClient } from "./guard_client.ts";
import { closeQuietly } from "./renewable.ts";

/** An existing topic that cannot be used as it is. */
export class TopicError extends Error {
  override name = "TopicError";
}

/**
 * Returns the number of partitions of the inbox, which the other two topics share. Safe to call from several hosts at
 * once.
 */
export async function ensureTopics(settings: KafkaSettings): Promise<number> {
  const admin = guardClient(new Admin(clientOptions(settings)));
  try {
    const names = topicNames(settings);
    const found = await partitionCounts(admin);
    const inbox = found.get(names.inbox) ?? settings.partitions;
    const events = [{ name: "max.message.bytes", value: String(settings.messageBytes) }];
    const configs = {
      [names.inbox]: events,
      [names.outbox]: events,
      [names.progress]: [{ name: "cleanup.policy", value: "compact" }, { name: "segment.ms", value: "600000" }],
    };
    for (const [topic, config] of Object.entries(configs)) {
      if (!found.has(topic)) await createTopic(admin, topic, inbox, settings.replication, config);
    }
    const counts = await waitForTopics(admin, Object.values(names));
    for (const [topic, count] of counts) {
      if (count === inbox) continue;
      throw new TopicError(
        `Cannot use the topic ${topic}: it has ${count} partitions, expected ${inbox} as in ${names.inbox}; ` +
          `add partitions to the smaller one, or choose another HOGPEN_KAFKA_PREFIX`,
      );
    }
    const wrong = await Promise.all(
      Object.values(names).map(async (topic) => {
        const messageBytes = topic === names.progress ? 0 : settings.messageBytes;
        return problemsOf(topic, await configOf(admin, topic), messageBytes);
      }),
    );
    if (wrong.flat().length > 0) throw new TopicError(wrong.flat().join("\n"));
    return inbox;
  } finally {
    await closeQuietly(admin);
  }
}

/** Empty where the host may not ask for it. */
async function configOf(admin: Admin, topic: string): Promise<Map<string, string>> {
  try {
    const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: null }];
    const [found] = await admin.describeConfigs({ resources });
    return new Map(found?.configs.map(({ name, value }) => [name, value ?? ""]));
  } catch (error) {
    if (hasInIt(error, "apiId", "TOPIC_AUTHORIZATION_FAILED")) return new Map();
    throw error;
  }
}

function problemsOf(topic: string, config: Map<string, string>, messageBytes: number): string[] {
  const problems: string[] = [];
  const taken = Number(config.get("max.message.bytes") ?? Infinity);
  if (taken < messageBytes) {
    problems.push(
      `Cannot use the topic ${topic}: its max.message.bytes is ${taken}, expected ${messageBytes}; set it with ` +
        `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} ` +
        `--add-config max.message.bytes=${messageBytes}, or set HOGPEN_KAFKA_MESSAGE_BYTES=${taken}, ` +
        "which refuses larger events",
    );
  }
  // Kafka would compress it so that its client for this runtime cannot read it.
  if (config.get("compression.type") === "snappy") {
    problems.push(
      `Cannot use the topic ${topic}: its compression.type is snappy, which cannot be read here; expected producer, ` +
        "uncompressed, gzip, lz4 or zstd",
    );
  }
  return problems;
}

/**
 * Events are spread over the partitions that there were when the host started, so it must not work with others.
 * @param assigned the partitions of the inbox that this host is to own
 * @throws TopicError when one of them was added since
 */
export function checkAssigned(settings: KafkaSettings, assigned: number[], partitions: number): void {
  const found = Math.max(0, ...assigned) + 1;
  if (found <= partitions) return;
  const { inbox, outbox, progress } = topicNames(settings);
  throw new TopicError(
    `Cannot take over partitions of ${inbox}: it has ${found} or more, expected ${partitions}, as when this host ` +
      `started; give ${inbox}, ${outbox} and ${progress} the same number of partitions, then restart all hosts`,
  );
}

async function partitionCounts(admin: Admin, topics?: string[]): Promise<Map<string, number>> {
  const metadata: ClusterMetadata = await admin.metadata({
    topics: topics ?? await admin.listTopics(),
    forceUpdate: true,
  });
  return new Map(Array.from(metadata.topics, ([name, { partitionsCount }]) => [name, partitionsCount]));
}

async function createTopic(
  admin: Admin,
  topic: string,
  partitions: number,
  replicas: number,
  configs: { name: string; value: string }[],
): Promise<void> {
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas, configs });
  } catch (error) {
    if (hasInIt(error, "apiId", "INVALID_REPLICATION_FACTOR")) {
      throw new TopicError(
        `Cannot create the topic ${topic}: found HOGPEN_KAFKA_REPLICATION=${replicas}, expected at most one copy for each ` +
          "broker that runs",
      );
    }
    // Another host was faster.
    if (!String(describe(error)).includes("already exists")) throw error;
  }
}

/** A topic that was just created is not known to every broker at once. */
async function waitForTopics(admin: Admin, topics: string[]): Promise<Map<string, number>> {
  for (let attempt = 1;; attempt++) {
    try {
      const counts = await partitionCounts(admin, topics);
      if (topics.every((topic) => (counts.get(topic) ?? 0) > 0)) return counts;
      throw new Error(`Cannot find the topics ${topics.join(", ")} in Kafka`);
    } catch (error) {
      if (attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** The messages of an error of the client and of all its causes, without repetitions. */
export function describe(error: unknown): string {
  return [...new Set(messagesOf(error))].join(": ").replaceAll(/\.(?=: )/g, "");
}

function messagesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner = error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause];
  return [error.message, ...inner.flatMap(messagesOf)];
}
