/**
 * What the benchmarks that kill things have in common: plugins that show which way each event took, and what must be
 * true in the end.
 * @module
 */

import type { CrashLoad } from "./crash_load.ts";
import type { CrashReceiver } from "./crash_receiver.ts";
import type { HostProcess } from "./host_process.ts";
import type { Goal } from "./report.ts";

export const TOKEN = "phc_crash";
/** Every so many events of a person makes a job. */
const JOB_EVERY = 20;
const JOB_AFTER_MS = 3000;
/** No arrival for so long means that nothing more will come. */
const QUIET_MS = 60_000;

/** Plugins that mark every event, use cache and storage, make jobs, and export. */
export function configFor(port: number): unknown {
  const mark = `export async function processEvent(event, { cache }) {
    await cache.incr('seen').catch(() => {});
    event.properties.marks = (event.properties.marks ?? 0) + 1;
    return event }`;
  const jobs = `export const jobs = { later: async (event) => {
      await fetch('http://127.0.0.1:${port}/jobs', { method: 'POST', body: JSON.stringify([event]) }) } };
    export async function processEvent(event, { jobs }) {
      event.properties.marks = (event.properties.marks ?? 0) + 1;
      if (event.properties.number % ${JOB_EVERY} === 0) {
        // By the event's own time: a job that is asked for again is known by its payload.
        const due = new Date(event.now).getTime() + ${JOB_AFTER_MS};
        const { uuid, distinct_id, properties: { number } } = event;
        // A rejection tells the plugin that there is no job: that is no loss.
        await jobs.later({ uuid, distinct_id, properties: { number, due } }).runAt(new Date(due))
          .catch(() => { event.properties.refused = true }) }
      return event }`;
  const exporter = `export async function exportEvents(events) {
      const answer = await fetch('http://127.0.0.1:${port}/exportEvents', { method: 'POST',
        body: JSON.stringify(events.map(({ uuid, distinct_id, properties: { number, marks } }) => ({ uuid, distinct_id, properties: { number, marks } }))) });
      if (!answer.ok) throw new RetryError('receiver answered ' + answer.status) }`;
  const onEvent = `export async function onEvent({ uuid, distinct_id, properties: { number, marks } }) {
      const answer = await fetch('http://127.0.0.1:${port}/onEvent', { method: 'POST',
        body: JSON.stringify([{ uuid, distinct_id, properties: { number, marks } }]) });
      if (!answer.ok) throw new RetryError('receiver answered ' + answer.status) }`;
  const plugin = (id: number, name: string, inline: string) => ({
    id,
    source: { inline, name },
    order: id,
    egress: { allow: ["127.0.0.1"] },
  });
  return {
    projects: [{
      id: 1,
      name: "Crash",
      token: TOKEN,
      plugins: [
        plugin(1, "mark", mark),
        plugin(2, "jobs", jobs),
        plugin(3, "exporter", exporter),
        plugin(4, "on event", onEvent),
      ],
      destinations: [{
        id: "webhook",
        type: "webhook",
        url: `http://127.0.0.1:${port}/webhook`,
        secret: "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgYnV0IGxvbmc=",
        retry_seconds: [0.5],
        batch: { max_wait_ms: 20 },
      }],
    }],
  };
}

/** The ways that every event takes; jobs are counted apart. */
const WAYS = ["webhook", "exportEvents", "onEvent"];

function expectedJobs(receiver: CrashReceiver, load: CrashLoad): string[] {
  const { refused } = receiver.way("webhook");
  return [...load.acknowledged].flatMap(([uuid, { number }]) =>
    number % JOB_EVERY === 0 && !refused.has(uuid) ? [uuid] : []
  );
}

/** Waits until everything has arrived, or until nothing more does. */
export async function settle(receiver: CrashReceiver, load: CrashLoad): Promise<void> {
  let before = -1;
  for (let quietSince = Date.now(); Date.now() - quietSince < QUIET_MS;) {
    const missing = WAYS.map((name) => missingOf(receiver, name, [...load.acknowledged.keys()]))
      .concat(missingOf(receiver, "jobs", expectedJobs(receiver, load))).reduce((a, b) => a + b);
    if (missing === 0) return;
    if (missing !== before) quietSince = Date.now();
    before = missing;
    await pause(250);
  }
}

function missingOf(receiver: CrashReceiver, way: string, wanted: string[]): number {
  const { counts } = receiver.way(way);
  return wanted.filter((uuid) => !counts.has(uuid)).length;
}

export function report(
  title: string,
  receiver: CrashReceiver,
  load: CrashLoad,
  struck: Map<string, number>,
  hosts: HostProcess[],
): Goal[] {
  console.log(`  killed: ${[...struck].map(([what, count]) => `${what} ${count} times`).join(", ")}`);
  console.log(`  acknowledged: ${load.acknowledged.size} events; batches sent again: ${load.repeated}`);
  const goals: Goal[] = [];
  for (const name of WAYS) {
    const way = receiver.way(name);
    const lost = missingOf(receiver, name, [...load.acknowledged.keys()]);
    console.log(
      `  ${name.padEnd(12)} lost: ${lost}, duplicates: ${way.duplicates}, order kept: ${
        way.outOfOrder === 0 ? "yes" : `no (${way.outOfOrder})`
      }, ` +
        `past a plugin: ${way.unmarked}`,
    );
    goals.push({ what: `${title}: ${name} lost: ${lost}`, met: lost === 0 });
    goals.push({ what: `${title}: ${name} past a plugin: ${way.unmarked}`, met: way.unmarked === 0 });
    // Retries of onEvent are jobs, as documented: only they may come later than their successors.
    if (name !== "onEvent") goals.push({ what: `${title}: ${name} in order`, met: way.outOfOrder === 0 });
  }
  const jobs = receiver.way("jobs");
  const wanted = expectedJobs(receiver, load);
  const lost = missingOf(receiver, "jobs", wanted);
  const late = jobs.lateness.toSorted((a, b) => a - b);
  console.log(
    `  jobs         lost: ${lost} of ${wanted.length}, refused: ${receiver.way("webhook").refused.size}, ` +
      `duplicates: ${jobs.duplicates}, ` +
      `after their time: median ${late[late.length >> 1] ?? 0} ms, most ${late.at(-1) ?? 0} ms, least ${
        late[0] ?? 0
      } ms`,
  );
  goals.push({ what: `${title}: jobs lost: ${lost}`, met: lost === 0 });
  goals.push({ what: `${title}: no job before its time`, met: (late[0] ?? 0) >= 0 });
  goals.push({ what: `${title}: no host ended by itself`, met: hosts.every((host) => host.unexpectedEnds === 0) });
  return goals;
}

/** Rejects when a plugin does not come up; one whose process starts with its first event is up. */
export async function allRunning(host: HostProcess): Promise<void> {
  for (const deadline = Date.now() + 60_000;;) {
    const { results } = await host.api("/_hogpen/api/plugin_configs") as { results: { state: string }[] };
    if (results.every(({ state }) => state === "running" || state === "idle")) return;
    if (Date.now() > deadline) throw new Error(`Cannot start: the plugins are ${results.map(({ state }) => state)}`);
    await pause(200);
  }
}

/** Waits until so many events have come out; rejects when that takes a minute. */
export async function arrive(receiver: CrashReceiver, count: number): Promise<void> {
  for (const deadline = Date.now() + 60_000; receiver.way("webhook").counts.size < count;) {
    if (Date.now() > deadline) throw new Error(`Cannot go on: ${count} events have not come out within a minute`);
    await pause(50);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
