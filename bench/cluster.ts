/**
 * What is lost when parts of a cluster die: several hosts on one Kafka, Postgres and Redis, all real, each of which is
 * killed, stopped or restarted under load. Everything that a client was told is stored must come out of every way, in
 * order.
 * `deno task bench cluster [--hosts 3] [--brokers 1] [--kills 30] [--only hosts|stalls|brokers|stores|rolling]`
 * @module
 */

import { parseArgs } from "node:util";
import { startKafka, whyNoKafka } from "../tests/kit/servers/kafka.ts";
import { startPostgres } from "../tests/kit/servers/postgres.ts";
import { startRedis } from "../tests/kit/servers/redis.ts";
import { startCrashLoad } from "./kit/crash_load.ts";
import { startCrashReceiver } from "./kit/crash_receiver.ts";
import { allRunning, arrive, configFor, pause, report, settle, TOKEN } from "./kit/crash_scenario.ts";
import { type HostProcess, startHostProcess } from "./kit/host_process.ts";
import { type Goal, printGoals, printMachine } from "./kit/report.ts";

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: {
    hosts: { type: "string", default: "3" },
    brokers: { type: "string", default: "1" },
    kills: { type: "string", default: "30" },
    only: { type: "string" },
  },
});
const kills = Number(flags.kills);
const SESSION_MS = 6000;

const missing = await whyNoKafka();
if (missing !== null) {
  console.error(`Cannot run: ${missing}`);
  Deno.exit(2);
}
printMachine();
const brokers = Number(flags.brokers);
await using kafka = await startKafka({ brokers });
await using postgres = await startPostgres({ fsync: true });
await using redis = await startRedis();

interface Strike {
  name: string;
  times: number;
  /** Hits one thing and has it running again. */
  hit(hosts: HostProcess[]): Promise<void>;
}

const any = <T>(things: T[]): T => things[Math.floor(Math.random() * things.length)] as T;
const anyBroker = () => 1 + Math.floor(Math.random() * brokers);

const STRIKES: Strike[] = [
  {
    name: "hosts",
    times: kills,
    async hit(hosts) {
      const host = any(hosts);
      await host.kill();
      await pause(Math.random() * 8000);
      await host.start();
    },
  },
  {
    name: "stalls",
    times: Math.ceil(kills / 3),
    async hit(hosts) {
      const { pid } = any(hosts);
      Deno.kill(pid, "SIGSTOP");
      await pause(SESSION_MS + 4000);
      Deno.kill(pid, "SIGCONT");
      await pause(2000);
    },
  },
  {
    name: "brokers",
    times: Math.ceil(kills / 3),
    async hit() {
      const broker = anyBroker();
      await kafka.kill(broker);
      await pause(Math.random() * 5000);
      await kafka.start(broker);
      await pause(3000);
    },
  },
  {
    name: "brokers stalled",
    times: Math.ceil(kills / 6),
    async hit() {
      const broker = anyBroker();
      kafka.signal(broker, "SIGSTOP");
      await pause(8000);
      kafka.signal(broker, "SIGCONT");
      await pause(3000);
    },
  },
  ...[postgres, redis].map((server, index) => ({
    name: index === 0 ? "Postgres" : "Redis",
    times: Math.ceil(kills / 3),
    async hit() {
      await server.kill();
      await pause(Math.random() * 3000);
      await server.start();
      await pause(1000);
    },
  })),
  {
    name: "rolling restart",
    times: Math.ceil(kills / 6),
    async hit(hosts) {
      for (const host of hosts) {
        await host.stop();
        await host.start();
      }
    },
  },
];

async function run({ name, times, hit }: Strike): Promise<Goal[]> {
  const title = `${name} ×${times}`;
  console.log(`\n${title}`);
  const folder = await Deno.makeTempDir({ prefix: "hogpen_cluster_" });
  await using receiver = startCrashReceiver();
  const env = {
    HOGPEN_KAFKA: kafka.brokers,
    HOGPEN_KAFKA_PREFIX: `${name.replaceAll(" ", "-")}-`,
    HOGPEN_KAFKA_REPLICATION: brokers >= 3 ? "3" : "1",
    HOGPEN_KAFKA_SESSION_SECONDS: String(SESSION_MS / 1000),
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
  };
  await using hosts = new AsyncDisposableStack();
  const running: HostProcess[] = [];
  for (let index = 0; index < Number(flags.hosts); index++) {
    const own = `${folder}/${index}`;
    await Deno.mkdir(own);
    running.push(hosts.use(await startHostProcess({ folder: own, config: configFor(receiver.port), env })));
  }
  for (const host of running) await allRunning(host);
  const urls = running.map(({ url }) => url);
  const load = startCrashLoad({ urls, token: TOKEN, clients: 8, eventsPerBatch: 10, pauseMs: 100 });
  await arrive(receiver, 1);
  await pause(3000);
  receiver.way("webhook").longestSilence = 0;
  for (let i = 0; i < times; i++) {
    await pause(500 + Math.random() * 1500);
    await hit(running);
    if ((i + 1) % 10 === 0) console.log(`  ${i + 1}, ${load.acknowledged.size} events acknowledged`);
  }
  const silence = receiver.way("webhook").longestSilence;
  await load.stop();
  await settle(receiver, load);
  const goals = report(title, receiver, load, new Map([[name, times]]), running);
  console.log(`  longest silence at the webhook: ${silence} ms`);
  if (name === "hosts") goals.push({ what: `${title}: silence below 10 s: ${silence} ms`, met: silence < 10_000 });
  if (goals.every(({ met }) => met)) await Deno.remove(folder, { recursive: true });
  else console.log(`  the data and logs are kept in ${folder}`);
  return goals;
}

const goals: Goal[] = [];
for (const strike of STRIKES) {
  if (flags.only === undefined || strike.name.startsWith(flags.only)) goals.push(...await run(strike));
}
printGoals(goals);
