/**
 * What one plugin can do to the others: ten innocent plugins in projects of their own under a steady stream, and beside
 * them a plugin that does the worst, once for each way to do it. The whole service in a process of its own, spoken to
 * over HTTP.
 *
 *     deno task bench isolation [start of an offence's name]
 * @module
 */

import { type AttackedService, type OutEvent, startAttackedService } from "../tests/attacks/attacked_service.ts";
import { isRunning, rssMb, treeOf } from "../tests/attacks/process_tree.ts";

const INNOCENTS = 10;
const EVENTS_PER_SECOND = 500;
const TIMEOUT_SECONDS = 2;
const MEMORY_MB = 256;
const OFFENDER = 100;
/** The stream runs so long before the bad event and after the offender's recovery. */
const LEAD_MS = 1_000;
const POLL_MS = 20;

const GOALS = {
  outLateMs: 150,
  recoverMs: 1_000,
  innocentMs: 250,
  pauseMs: 200,
  hostGrowthMb: 150,
  offenderOverMb: 200,
  idleCpuPercent: 5,
  leftAfterMs: 1_000,
} as const;

/** What the offender does when the event is named "bad". */
const OFFENCES: Record<string, string> = {
  "busy loop": "for (;;) {}",
  "catastrophic regex": '/^(a+)+$/.test("a".repeat(60) + "!");',
  "heap bomb": "const all = []; for (;;) all.push(new Array(1e5).fill({}));",
  "ArrayBuffer bomb": "const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1));",
  "one huge array": 'JSON.parse("[" + "1,".repeat(2.4e8) + "1]");',
  "promise that never resolves": "await new Promise(() => {});",
  "microtask storm": "const spin = () => Promise.resolve().then(spin); spin(); await new Promise(() => {});",
  "console flood": 'for (let i = 0; i < 200000; i++) console.log("line " + i + "x".repeat(100));',
  "300 MB result": 'event.properties.big = "x".repeat(3e8);',
};

interface Figures {
  outMs: number | null;
  recoverMs: number | null;
  sent: number;
  lost: number;
  wrong: number;
  worstMs: number;
  pauseMs: number;
  hostGrowthMb: number;
  offenderMb: number;
  idleCpuPercent: number;
}

const missed: string[] = [];
console.log(
  `${INNOCENTS} innocents, ${EVENTS_PER_SECOND} events/s, deadline ${TIMEOUT_SECONDS} s, limit ${MEMORY_MB} MB, ${navigator.hardwareConcurrency} cores`,
);
console.log("offence                       out     again   innocents  lost  pause   host      offender  idle CPU");
const wanted = Deno.args[1] ?? "";
for (const [name, code] of Object.entries(OFFENCES).filter(([name]) => name.startsWith(wanted))) {
  const figures = await runCase(code);
  print(name, figures);
  judge(name, figures);
}
const leftMs = await timeOrphans();
console.log(
  `processes left after kill -9 of the host: ${leftMs === null ? "some, after 5 s" : `none after ${leftMs} ms`}`,
);
if (leftMs === null || leftMs > GOALS.leftAfterMs) missed.push("processes left after the host died");
console.log(missed.length === 0 ? "all goals met" : `goals missed: ${missed.join("; ")}`);
if (missed.length > 0) Deno.exitCode = 1;

async function runCase(code: string): Promise<Figures> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_isolation_" });
  await using service = await start(folder, code);
  const pause = watchPauses(service);
  const memory = watchMemory(service);
  const stream = startStream(service);
  await sleep(LEAD_MS);
  await pause.read();
  const bad = await sendAndWait(service, "bad", TIMEOUT_SECONDS * 1000 + 10_000);
  const again = await recover(service);
  await sleep(LEAD_MS);
  const innocents = await stream.stop();
  const pauseMs = await pause.read();
  const used = memory.stop();
  const idleCpuPercent = await idleCpu(service);
  await service.stop();
  await Deno.remove(folder, { recursive: true });
  return { outMs: bad?.tookMs ?? null, recoverMs: again, ...innocents, pauseMs, ...used, idleCpuPercent };
}

function start(folder: string, offence: string): Promise<AttackedService> {
  const innocent =
    `export function processEvent(event) { event.properties.twice = event.properties.n * 2; return event }`;
  const offender =
    `export async function processEvent(event) { if (event.event === "bad") { ${offence} } event.properties.seen = true; return event }`;
  const project = (id: number, inline: string) => ({
    id,
    token: tokenOf(id),
    plugins: [{ id, source: { inline }, timeoutSeconds: TIMEOUT_SECONDS, memoryMb: MEMORY_MB }],
  });
  const projects = Array.from({ length: INNOCENTS }, (_, index) => project(index + 1, innocent));
  const program = new URL("./kit/watched_host.ts", import.meta.url).pathname;
  return startAttackedService(folder, { projects: [...projects, project(OFFENDER, offender)] }, program);
}

/**
 * One event per project in turn, at the rate; latency is from the request to the page of the outbox that shows the
 * event.
 */
function startStream(service: AttackedService) {
  const waiting = new Map<string, { at: number; n: number }>();
  const cursors = new Array<string>(INNOCENTS + 1).fill("");
  let [sent, wrong, worstMs, failed] = [0, 0, 0, 0];
  let failedPolls = 0;
  let stopping = false;
  const begin = performance.now();

  function send(): void {
    const due = Math.floor((performance.now() - begin) / 1000 * EVENTS_PER_SECOND);
    for (; sent < due; sent++) {
      const uuid = crypto.randomUUID();
      waiting.set(uuid, { at: performance.now(), n: sent });
      const event = { event: "innocent", distinct_id: `d${sent % 50}`, uuid, properties: { n: sent } };
      service.post(tokenOf(sent % INNOCENTS + 1), event).catch(() => failed++);
    }
  }

  async function poll(project: number): Promise<void> {
    const { events, next } = await service.read(project, cursors[project] as string);
    cursors[project] = next;
    for (const { uuid, properties } of events) {
      const start = waiting.get(uuid);
      if (start === undefined) continue;
      waiting.delete(uuid);
      worstMs = Math.max(worstMs, performance.now() - start.at);
      if (properties["twice"] !== start.n * 2) wrong++;
    }
  }

  async function follow(project: number): Promise<void> {
    for (let until = Infinity; performance.now() < until && (waiting.size > 0 || !stopping);) {
      if (stopping && until === Infinity) until = performance.now() + 5_000;
      await poll(project).catch(() => failedPolls++);
      await sleep(POLL_MS);
    }
  }

  const timer = setInterval(send, 4);
  const following = Promise.all(Array.from({ length: INNOCENTS }, (_, index) => follow(index + 1)));
  return {
    async stop(): Promise<Pick<Figures, "sent" | "lost" | "wrong" | "worstMs">> {
      clearInterval(timer);
      stopping = true;
      await following;
      return { sent, lost: waiting.size + failed + failedPolls, wrong, worstMs };
    },
  };
}

async function sendAndWait(service: AttackedService, event: string, patienceMs: number) {
  const uuid = crypto.randomUUID();
  const start = performance.now();
  await service.post(tokenOf(OFFENDER), { event, distinct_id: "o", uuid, properties: {} });
  while (performance.now() - start < patienceMs) {
    const { events } = await service.read(OFFENDER, "");
    const found: OutEvent | undefined = events.find((each) => each.uuid === uuid);
    if (found !== undefined) return { event: found, tookMs: performance.now() - start };
    await sleep(POLL_MS / 2);
  }
  return null;
}

/** Until a normal event comes out processed; null when none does. */
async function recover(service: AttackedService): Promise<number | null> {
  const start = performance.now();
  for (let attempt = 0; attempt < 5; attempt++) {
    const out = await sendAndWait(service, "normal", 10_000);
    if (out?.event.properties["seen"] === true) return performance.now() - start;
  }
  return null;
}

function watchPauses(service: AttackedService): { read(): Promise<number> } {
  let count = 0;
  return {
    async read() {
      service.signal("SIGUSR2");
      count++;
      for (const until = performance.now() + 5_000; performance.now() < until; await sleep(20)) {
        const line = new RegExp(`^pause ${count} (.+)$`, "m").exec(service.output());
        if (line !== null) return Number(line[1]);
      }
      throw new Error(`Cannot read the host's pauses: ${service.output().slice(-1000)}`);
    },
  };
}

function watchMemory(service: AttackedService) {
  const host = service.hostRssMb();
  let [hostGrowthMb, offenderMb] = [0, 0];
  const timer = setInterval(() => {
    hostGrowthMb = Math.max(hostGrowthMb, service.hostRssMb() - host);
    // The offender is the largest of all cells.
    const [, ...cells] = treeOf(service.pid);
    offenderMb = Math.max(offenderMb, ...cells.map(rssMb));
  }, 25);
  return {
    stop() {
      clearInterval(timer);
      return { hostGrowthMb, offenderMb };
    },
  };
}

async function idleCpu(service: AttackedService): Promise<number> {
  await sleep(1_000);
  const before = service.treeCpuMs();
  await sleep(3_000);
  return (service.treeCpuMs() - before) / 3_000 * 100;
}

/**
 * Milliseconds until no process of a service is left whose host was killed while a plugin spun; null when some stay.
 */
async function timeOrphans(): Promise<number | null> {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_isolation_" });
  await using service = await start(folder, OFFENCES["catastrophic regex"] as string);
  const tree = treeOf(service.pid);
  await service.post(tokenOf(OFFENDER), { event: "bad", distinct_id: "o", properties: {} });
  await sleep(500);
  const begin = performance.now();
  service.signal("SIGKILL");
  while (performance.now() - begin < 5_000) {
    if (!tree.some(isRunning)) {
      await Deno.remove(folder, { recursive: true });
      return Math.round(performance.now() - begin);
    }
    await sleep(10);
  }
  return null;
}

function print(name: string, figures: Figures): void {
  const ms = (value: number | null) => value === null ? "never" : `${Math.round(value)} ms`;
  const mb = (value: number) => `${Math.round(value)} MB`;
  console.log([
    name.padEnd(28),
    ms(figures.outMs).padStart(8),
    ms(figures.recoverMs).padStart(8),
    ms(figures.worstMs).padStart(9),
    `${figures.lost}/${figures.sent}`.padStart(8),
    ms(figures.pauseMs).padStart(8),
    `+${mb(figures.hostGrowthMb)}`.padStart(9),
    mb(figures.offenderMb).padStart(9),
    `${figures.idleCpuPercent.toFixed(1)} %`.padStart(8),
  ].join(" "));
}

function judge(name: string, figures: Figures): void {
  const outBy = TIMEOUT_SECONDS * 1000 + GOALS.outLateMs;
  const rules: [boolean, string][] = [
    [figures.outMs === null || figures.outMs > outBy, `out after ${outBy} ms`],
    [figures.recoverMs === null || figures.recoverMs > GOALS.recoverMs, "works again late"],
    [figures.worstMs > GOALS.innocentMs, "innocents late"],
    [figures.lost > 0, "events lost"],
    [figures.wrong > 0, "innocents wrong"],
    [figures.pauseMs >= GOALS.pauseMs, "host paused"],
    [figures.hostGrowthMb >= GOALS.hostGrowthMb, "host grew"],
    [figures.offenderMb > MEMORY_MB + GOALS.offenderOverMb, "offender grew"],
    [figures.idleCpuPercent > GOALS.idleCpuPercent, "busy when idle"],
  ];
  for (const [broken, words] of rules) {
    if (broken) missed.push(`${name}: ${words}`);
  }
}

function tokenOf(project: number): string {
  return `phc_${project}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
