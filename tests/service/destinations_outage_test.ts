/**
 * Proves that destinations in trouble lose no events and do not delay each other. Postgres stays down for a real half
 * second, so that deliveries fail meanwhile.
 */

import assert from "node:assert/strict";
import postgres from "postgres";
import { Webhook } from "standardwebhooks";
import { delay } from "../kit/delay.ts";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver, type ReceivedRequest } from "../kit/servers/http_receiver.ts";
import { startPostgres } from "../kit/servers/postgres.ts";
import { startTestService } from "../kit/service.ts";

const TOKEN = "phc_here";
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

interface ShownConsumer {
  id: string;
  state: string;
  lag: { events: number; seconds: number };
}

interface ShownDeadLetter {
  consumer: string;
  reason: string;
}

/** One destination in trouble shall not hold up the others: each has its own cursor. */
Deno.test("destinations: Postgres killed and a webhook in trouble lose nothing, stand still for nothing, and reject the poison alone", async () => {
  await using server = await startPostgres();
  const database = await server.createDatabase();
  const received = new Set<number>();
  const statuses = [500, 429, 200, 503, 200, 200, 408, 200];
  let requests = 0;
  await using receiver = new HttpReceiver((request) => {
    const numbers = numbersIn(request);
    const status = requests < 40 ? statuses[requests++ % statuses.length] ?? 200 : 200;
    if (status !== 200) return new Response(null, { status, headers: status === 429 ? { "retry-after": "0" } : {} });
    if (numbers.length > 60) return new Response(null, { status: 413 });
    if (numbers.includes(POISON)) return new Response("I cannot read this", { status: 400 });
    for (const number of numbers) received.add(number);
    return new Response(null, { status: 204 });
  });
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: TOKEN,
        destinations: [
          { id: "warehouse", type: "postgres", url: database, timeout_seconds: 5 },
          { id: "hook", type: "webhook", url: receiver.url, secret: SECRET, retry_seconds: [0.05] },
          { id: "file", type: "ndjson", path: "events.ndjson" },
        ],
      }],
    },
  });

  const send = (from: number) =>
    service.capture({
      api_key: TOKEN,
      batch: Array.from({ length: 100 }, (_, index) => ({
        event: "e",
        distinct_id: `user-${index % 7}`,
        properties: { n: from + index },
      })),
    }, "/batch/");
  for (let from = 0; from < 2000; from += 100) {
    await send(from);
    if (from === 500) await server.kill();
  }
  await delay(500);
  await server.start();

  await eventually("every consumer has caught up", async () => {
    const { results } = await service.api<{ results: ShownConsumer[] }>("/_hogpen/api/consumers");
    const destinations = results.filter(({ id }) => id.startsWith("destination:"));
    assert.equal(destinations.length, 3);
    return destinations.every(({ lag }) => lag.events === 0);
  });
  assert.deepEqual([...received].sort((a, b) => a - b), range(2000).filter((number) => number !== POISON));
  assert.deepEqual(await numbersInTable(database), range(2000));
  const lines = (await Deno.readTextFile(`${service.folder}/events.ndjson`)).trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line).properties.n), range(2000));

  const { results } = await service.api<{ results: ShownDeadLetter[] }>("/_hogpen/api/dead_letters");
  assert.deepEqual(results.map(({ consumer, reason }) => ({ consumer, reason })), [{
    consumer: "destination:1/hook",
    reason: `${receiver.url} answered 400 (I cannot read this)`,
  }]);
});

/** Among the first 500. */
const POISON = 321;

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function numbersIn({ headers, text }: ReceivedRequest): number[] {
  const message = new Webhook(SECRET).verify(text, Object.fromEntries(headers)) as {
    data: { events: { properties: { n: number } }[] };
  };
  return message.data.events.map(({ properties }) => properties.n);
}

async function numbersInTable(url: string): Promise<number[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const rows = await sql`select (properties->>'n')::int as n from events order by n`;
    return rows.map(({ n }) => n);
  } finally {
    await sql.end();
  }
}
