/**
 * A private Kafka for tests and benchmarks: brokers that are controllers too, one JVM each. The jars come from Maven
 * once and are kept in a folder of the machine.
 * @module
 */

import { join } from "node:path";
import { eventually } from "../eventually.ts";
import { killChild } from "./kill_child.ts";
import { freePort, onPath } from "./server_process.ts";

export interface PrivateKafka extends AsyncDisposable {
  /** `host:port,…` of all brokers. */
  readonly brokers: string;
  /** As a crash ends it. */
  kill(broker: number): Promise<void>;
  start(broker: number): Promise<void>;
  /** Resolves when it stands still, or goes on (on Linux): a signal reaches a process's threads one after the other. */
  signal(broker: number, signal: "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** Of the brokers that run. */
  pids(): number[];
}

/** Why there can be no Kafka here; null when there can. Fetches the jars when they are missing. */
export async function whyNoKafka(): Promise<string | null> {
  if (!await exists(onPath("java"))) return "there is no java on PATH";
  if (hasJars()) return null;
  if (!await exists(onPath("mvn"))) return "Kafka's jars are not here, and there is no mvn on PATH to fetch them";
  try {
    await fetchJars();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const VERSION = "4.4.0";
const FOLDER = join(
  Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache"),
  `hogpen/kafka-${VERSION}`,
);
const LIBS = join(FOLDER, "libs");
const CLUSTER_ID = "aG9ncGVuLXRlc3Qta2Fma2";

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>hogpen</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${VERSION}</version></dependency>
</dependencies></project>`;

export interface KafkaOptions {
  /** Default 1. */
  brokers?: number;
  /** Settings of each broker besides the usual ones, by name. */
  settings?: Record<string, string | number>;
}

/** Tries other ports when Kafka ends as it starts: another program may have taken one since it was found free. */
export async function startKafka(options: KafkaOptions = {}): Promise<PrivateKafka> {
  for (let attempt = 1;; attempt++) {
    try {
      return await tryToStart(options);
    } catch (error) {
      if (attempt === 3 || !(error instanceof EndedError)) throw error;
    }
  }
}

class EndedError extends Error {
  override name = "EndedError";
}

async function tryToStart({ brokers = 1, settings = {} }: KafkaOptions): Promise<PrivateKafka> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_kafka_" });
  const ports = Array.from({ length: brokers }, () => ({ client: freePort(), controller: freePort() }));
  const children = new Map<number, Deno.ChildProcess>();

  async function start(broker: number): Promise<void> {
    const log = await Deno.open(`${folder}/${broker}.log`, { create: true, append: true });
    const child = java(["kafka.Kafka", `${folder}/${broker}.properties`], "piped").spawn();
    child.stderr.pipeTo(new WritableStream({ write() {} })).catch(() => {});
    child.stdout.pipeTo(log.writable).catch(() => {});
    children.set(broker, child);
    let ended = false;
    void child.status.then(() => ended = true);
    await waitForPort((ports[broker - 1] as { client: number }).client, () => ended);
  }

  async function kill(broker: number): Promise<void> {
    const child = children.get(broker);
    if (child === undefined) return;
    children.delete(broker);
    killChild(child);
    await child.status;
  }

  for (const [index] of ports.entries()) {
    const file = `${folder}/${index + 1}.properties`;
    await Deno.writeTextFile(file, properties(index + 1, ports, folder, settings));
    const { success, stderr } = await java(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", file], "piped")
      .output();
    if (!success) throw new Error(`Cannot format Kafka's storage: ${new TextDecoder().decode(stderr)}`);
  }
  async function end(): Promise<void> {
    await Promise.all([...children.keys()].map(kill));
    await Deno.remove(folder, { recursive: true });
  }

  const starts = await Promise.allSettled(ports.map((_, index) => start(index + 1)));
  const failed = starts.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await end();
    throw failed.reason;
  }
  return {
    brokers: ports.map(({ client }) => `127.0.0.1:${client}`).join(","),
    kill,
    start,
    async signal(broker, signal) {
      const child = children.get(broker);
      if (child === undefined) throw new Error(`Cannot signal broker ${broker}: it does not run`);
      child.kill(signal);
      if (Deno.build.os !== "linux") return;
      await eventually(`broker ${broker} has got ${signal}`, () => isStopped(child.pid) === (signal === "SIGSTOP"));
    },
    pids: () => Array.from(children.values(), ({ pid }) => pid),
    [Symbol.asyncDispose]: end,
  };
}

function properties(
  id: number,
  ports: { client: number; controller: number }[],
  folder: string,
  settings: Record<string, string | number>,
): string {
  const { client, controller } = ports[id - 1] as { client: number; controller: number };
  const replication = ports.length >= 3 ? 3 : 1;
  const inSync = ports.length >= 3 ? 2 : 1;
  return Object.entries({
    "process.roles": "broker,controller",
    "node.id": id,
    "controller.quorum.voters": ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`).join(","),
    "listeners": `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${client}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": `${folder}/${id}`,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "auto.create.topics.enable": false,
    // As docs/SCALE.md recommends: how soon a dead broker is noticed.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": replication,
    "transaction.state.log.num.partitions": 4,
    "transaction.state.log.replication.factor": replication,
    "transaction.state.log.min.isr": inSync,
    "share.coordinator.state.topic.replication.factor": replication,
    "share.coordinator.state.topic.min.isr": inSync,
    "min.insync.replicas": inSync,
    "default.replication.factor": replication,
    "group.initial.rebalance.delay.ms": 200,
    "group.min.session.timeout.ms": 2000,
    ...settings,
  }).map(([name, value]) => `${name}=${value}`).join("\n");
}

function java(args: string[], output: "piped"): Deno.Command {
  const options = ["-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", `${LIBS}/*`];
  return new Deno.Command("java", { args: [...options, ...args], stdin: "null", stdout: output, stderr: output });
}

async function waitForPort(port: number, hasEnded: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (hasEnded()) throw new EndedError("Cannot start Kafka: it ended by itself; its ports may have been taken");
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`Cannot start Kafka: it did not answer on port ${port}`);
}

function hasJars(): boolean {
  try {
    return [...Deno.readDirSync(LIBS)].some(({ name }) => name.startsWith("kafka_2.13"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Into a folder beside, so that a fetch that was cut short leaves nothing that looks whole. */
async function fetchJars(): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const part = await Deno.makeTempDir({ dir: FOLDER });
  await Deno.writeTextFile(`${part}/pom.xml`, POM);
  const { success, stdout } = await new Deno.Command("mvn", {
    args: ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"],
    cwd: part,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).output();
  if (!success) throw new Error(`Maven cannot fetch Kafka: ${new TextDecoder().decode(stdout).slice(0, 500)}`);
  await Deno.rename(`${part}/libs`, LIBS);
  await Deno.remove(part, { recursive: true });
}

async function exists(paths: string[]): Promise<boolean> {
  for (const path of paths) if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return true;
  return false;
}

/** Whether all threads of the process are stopped by a signal; Linux alone tells. */
function isStopped(pid: number): boolean {
  const tasks = Array.from(Deno.readDirSync(`/proc/${pid}/task`), ({ name }) => name);
  return tasks.every((task) => /\) T /.test(Deno.readTextFileSync(`/proc/${pid}/task/${task}/stat`)));
}
