/**
 * One real Kafka and one real Postgres, for event logs of several hosts or for the whole hosts.
 * @module
 */

import type { EventLog } from "../../../host/log/event_log.ts";
import type { KafkaSettings } from "../../../host/log/kafka/cluster/kafka_settings.ts";
import type { KafkaEventLog } from "../../../host/log/kafka/kafka_event_log.ts";
import { openKafkaEventLog } from "../../../host/log/kafka/open_kafka_event_log.ts";
import { eventually } from "../eventually.ts";
import { type PrivateKafka, startKafka } from "./kafka.ts";
import { settingsFor } from "./kafka_settings.ts";
import { type PrivatePostgres, startPostgres } from "./postgres.ts";

export interface LogServers extends AsyncDisposable {
  kafka: PrivateKafka;
  postgres: PrivatePostgres;
  /** With topics and a database of its own. */
  makeCluster(): Promise<LogCluster>;
  /** The settings of whole hosts that share a log of four partitions, with a database of their own. */
  hostEnv(): Promise<Record<string, string>>;
}

/** Its topics have four partitions. */
export interface LogCluster extends AsyncDisposable {
  /** What the names of its topics begin with. */
  prefix: string;
  kafka: PrivateKafka;
  databaseUrl: string;
  host(id: string, differs?: Partial<KafkaSettings>, onError?: (error: unknown) => void): Promise<KafkaEventLog>;
  /** The only host, when it owns everything. */
  open(): Promise<KafkaEventLog>;
}

export async function startLogServers(): Promise<LogServers> {
  const [kafka, postgres] = [await startKafka(), await startPostgres()];
  let clusters = 0;

  async function makeCluster(): Promise<LogCluster> {
    const databaseUrl = await postgres.createDatabase();
    const prefix = `test${++clusters}-`;
    const host: LogCluster["host"] = async (hostId, differs = {}, onError = () => {}) => {
      const settings = settingsFor(kafka.brokers, { prefix, hostId, ...differs });
      return await openKafkaEventLog({ settings, databaseUrl, owns: { inbox: true, outbox: true }, onError });
    };
    return {
      prefix,
      kafka,
      databaseUrl,
      host,
      async open() {
        const log = await host("only");
        await eventually("the host owns all partitions", () => ownsSoMany(log, 4));
        return log;
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  return {
    kafka,
    postgres,
    makeCluster,
    hostEnv: async () => ({
      HOGPEN_KAFKA: kafka.brokers,
      HOGPEN_KAFKA_PARTITIONS: "4",
      DATABASE_URL: await postgres.createDatabase(),
    }),
    async [Symbol.asyncDispose]() {
      await kafka[Symbol.asyncDispose]();
      await postgres[Symbol.asyncDispose]();
    },
  };
}

/** Whether the host owns so many partitions of each topic. */
export function ownsSoMany(log: EventLog, count: number): boolean {
  const { inbox = [], outbox = [] } = log.share()?.owned ?? {};
  return inbox.length === count && outbox.length === count;
}
