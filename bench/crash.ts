/**
 * What is lost when things die: the host and its cells are killed at random under load, then Postgres and Redis under a
 * host that uses them. Everything that a client was told is stored must come out of every way, in order.
 * `deno task bench crash [--kills 50] [--only embedded|distributed]`
 * @module
 */

import { parseArgs } from "node:util";
import { startPostgres } from "../tests/kit/servers/postgres.ts";
import { startRedis } from "../tests/kit/servers/redis.ts";
import type { PrivateServer } from "../tests/kit/servers/server_process.ts";
import { startCrashLoad } from "./kit/crash_load.ts";
import { startCrashReceiver } from "./kit/crash_receiver.ts";
import { allRunning, arrive, configFor, pause, report, settle, TOKEN } from "./kit/crash_scenario.ts";
import { type HostProcess, startHostProcess } from "./kit/host_process.ts";
import { type Goal, printGoals, printMachine } from "./kit/report.ts";

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: { kills: { type: "string", default: "50" }, only: { type: "string" } },
});
const kills = Number(flags.kills);

interface Scenario {
  title: string;
  env: Record<string, string>;
  /** Kills one thing and has it running again. */
  strike(host: HostProcess): Promise<string>;
  strikes: number;
}

async function run({ title, env, strike, strikes }: Scenario): Promise<Goal[]> {
  console.log(`\n${title}`);
  const folder = await Deno.makeTempDir({ prefix: "hogpen_crash_" });
  await using receiver = startCrashReceiver();
  let whole = false;
  try {
    await using host = await startHostProcess({ folder, config: configFor(receiver.port), env });
    await allRunning(host);
    const load = startCrashLoad({ urls: [host.url], token: TOKEN, clients: 8, eventsPerBatch: 10, pauseMs: 60 });
    await arrive(receiver, 1);
    const struck = new Map<string, number>();
    for (let i = 0; i < strikes; i++) {
      await pause(200 + Math.random() * 1200);
      const what = await strike(host);
      struck.set(what, (struck.get(what) ?? 0) + 1);
      if ((i + 1) % 10 === 0) console.log(`  ${i + 1} kills, ${load.acknowledged.size} events acknowledged`);
    }
    await load.stop();
    await settle(receiver, load);
    const goals = report(title, receiver, load, struck, [host]);
    whole = goals.every(({ met }) => met);
    return goals;
  } finally {
    if (whole) await Deno.remove(folder, { recursive: true });
    else console.log(`  the data is kept in ${folder}`);
  }
}

async function killHost(host: HostProcess): Promise<string> {
  await host.kill();
  await host.start();
  return "host";
}

async function killCell(host: HostProcess): Promise<string> {
  const { results } = await host.api("/_hogpen/api/plugin_configs") as { results: { pid: number | null }[] };
  const pids = results.flatMap(({ pid }) => pid === null ? [] : [pid]);
  const pid = pids[Math.floor(Math.random() * pids.length)];
  if (pid === undefined) return "nothing (no cell ran)";
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return "a cell";
}

async function killServer(server: PrivateServer, name: string): Promise<string> {
  await server.kill();
  await pause(Math.random() * 3000);
  await server.start();
  return name;
}

printMachine();
const goals: Goal[] = [];
if (flags.only !== "distributed") {
  goals.push(
    ...await run({
      title: "SQLite and memory; host and cells killed",
      env: {},
      strikes: 2 * kills,
      strike: (() => {
        let turn = 0;
        return (host) => turn++ % 2 === 0 ? killHost(host) : killCell(host);
      })(),
    }),
  );
}
if (flags.only !== "embedded") {
  await using postgres = await startPostgres({ fsync: true });
  await using redis = await startRedis();
  let turn = 0;
  goals.push(
    ...await run({
      title: "Postgres and Redis; both, host and cells killed",
      env: { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url },
      strikes: Math.ceil(kills * 0.8),
      strike: (host) => {
        switch (turn++ % 4) {
          case 0:
            return killServer(postgres, "Postgres");
          case 1:
            return killServer(redis, "Redis");
          case 2:
            return killHost(host);
          default:
            return killCell(host);
        }
      },
    }),
  );
}
printGoals(goals);
