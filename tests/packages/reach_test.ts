/**
 * Walks, as a plugin, through all that each package gives it, and asks of everything whether a plugin may hold it.
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Cell } from "../../host/cells/process/cell.ts";
import { ProcessWatch } from "../../host/cells/process/process_watch.ts";
import { PROVIDED_MODULES } from "../../runtime/modules.ts";
import { killChild } from "../kit/servers/kill_child.ts";

/** What a plugin makes with a package, beside what it exports: code that gives an object of things. */
const INSTANCES: Record<string, string> = {
  "@google-cloud/bigquery":
    `const client = new m.BigQuery({ projectId: 'p', credentials: { client_email: 'a', private_key: 'b' } })
    const table = client.dataset('d').table('t')
    return { client, table, error: await table.getMetadata().catch((e) => e), stream: table.createReadStream() }`,
  "@google-cloud/pubsub":
    `const client = new m.PubSub({ projectId: 'p', apiEndpoint: '10.0.0.1:1', emulatorMode: true, credentials: { client_email: 'a', private_key: 'b' } })
    const topic = client.topic('t'); const subscription = client.subscription('s')
    return { client, topic, subscription, publisher: topic.publisher, raw: new m.v1.PublisherClient({ projectId: 'p' }) }`,
  "@google-cloud/storage":
    `const client = new m.Storage({ projectId: 'p', credentials: { client_email: 'a', private_key: 'b' }, retryOptions: { autoRetry: false } })
    const file = client.bucket('b').file('f')
    return { client, file, error: await file.save('x', { resumable: false }).catch((e) => e), write: file.createWriteStream({ resumable: false }) }`,
  "@posthog/plugin-contrib":
    `const buffer = m.createBuffer({ limit: 10, onFlush() {} }); buffer.add({}, 1); return { buffer }`,
  "aws-sdk":
    `const s3 = new m.S3({ accessKeyId: 'a', secretAccessKey: 'b', endpoint: 'http://10.0.0.1', maxRetries: 0 })
    const request = s3.putObject({ Bucket: 'b', Key: 'k', Body: 'x' })
    return { s3, request, upload: s3.upload({ Bucket: 'b', Key: 'k', Body: 'x' }), error: await request.promise().catch((e) => e), sqs: new m.SQS({ region: 'eu-central-1' }) }`,
  "crypto":
    `return { hash: m.createHash('sha1'), cipher: m.createCipheriv('aes-256-cbc', Buffer.alloc(32), Buffer.alloc(16)), key: m.createSecretKey(Buffer.alloc(32)) }`,
  "ethers": `const wallet = m.Wallet.createRandom()
    return { wallet, provider: new m.providers.JsonRpcProvider('http://10.0.0.1'), contract: new m.Contract(wallet.address, ['function f()'], wallet) }`,
  "generic-pool":
    `const pool = m.createPool({ create: async () => ({}), destroy: async () => {} }, { evictionRunIntervalMillis: 60000, acquireTimeoutMillis: 60000, max: 1 })
    await pool.acquire(); const waiting = pool.acquire(); return { pool, waiting }`,
  "jsonwebtoken":
    `let error; try { m.verify('x', 'y') } catch (e) { error = e } return { token: m.sign({}, 'x'), error }`,
  "node-fetch": `const error = await m('http://10.0.0.1/').catch((e) => e)
    return { error, body: new m.Response(require('stream').PassThrough()).body, request: new m.Request('http://a/'), headers: new m.Headers() }`,
  "pg": `const client = new m.Client({ host: '10.0.0.1' }); const refused = await client.connect().catch((e) => e)
    return { client, refused, pool: new m.Pool({ host: '10.0.0.1' }), failed: await new m.Pool({ host: '10.0.0.1' }).query('x').catch((e) => e) }`,
  "snowflake-sdk":
    `const connection = m.createConnection({ account: 'a', accessUrl: 'http://10.0.0.1', username: 'u', password: 'p', sfRetryMaxLoginRetries: 0 })
    return { connection, pool: m.createPool({ account: 'a', username: 'u', password: 'p' }, { max: 1, min: 0 }) }`,
  "stream": `return { pass: new m.PassThrough() }`,
  "zlib": `return { gzip: m.createGzip() }`,
};

const WALKER = `
exports.processEvent = async (event) => {
  const m = require(event.event);
  const made = await (async () => { ${"MAKE"} })();
  const found = {}; const seen = new Set(); const queue = [];
  const add = (path, value) => {
    if (((typeof value !== 'object' || value === null) && typeof value !== 'function') || seen.has(value)) return;
    seen.add(value);
    const name = URL.forbidden(value);
    if (name === undefined) queue.push([path, value]); else found[path] = name;
  };
  add('exports', m);
  for (const [name, value] of Object.entries(made ?? {})) add(name, value);
  for (let at = 0; at < queue.length && at < 150000; at++) {
    const [path, value] = queue[at];
    add(path + '.__proto__', Object.getPrototypeOf(value));
    if (ArrayBuffer.isView(value)) continue;
    for (const key of Reflect.ownKeys(value)) {
      const place = path + '.' + String(key);
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      if (!descriptor) continue;
      add(place, descriptor.value); add(place + ' get', descriptor.get); add(place + ' set', descriptor.set);
      if (descriptor.get) { try { add(place, value[key]) } catch {} }
    }
  }
  return { ...event, count: seen.size, found };
}`;

/**
 * Calls all functions that it finds, with what a plugin could give them as `this` and as arguments, and looks at what they return and
 * at what they hand to a callback.
 */
const CALLER = `
exports.processEvent = async (event) => {
  const m = require(event.event);
  const made = await (async () => { ${"MAKE"} })();
  const found = {}; const seen = new Set(); const queue = []; const functions = []; let calls = 0;
  const add = (path, value) => {
    if (((typeof value !== 'object' || value === null) && typeof value !== 'function') || seen.has(value)) return;
    seen.add(value); queue.push([path, value]);
    if (typeof value === 'function') functions.push([path, value]);
  };
  add('exports', m);
  for (const [name, value] of Object.entries(made ?? {})) add(name, value);
  for (let at = 0; at < queue.length && at < 150000; at++) {
    const [path, value] = queue[at];
    add(path + '.__proto__', Object.getPrototypeOf(value));
    if (ArrayBuffer.isView(value)) continue;
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      if (!descriptor) continue;
      const place = path + '.' + String(key);
      add(place, descriptor.value); add(place + ' get', descriptor.get); add(place + ' set', descriptor.set);
    }
  }
  const look = (how, value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
    const name = URL.forbidden(value);
    if (name !== undefined) found[how] = name;
    if (typeof value.then === 'function') Promise.resolve(value).then((v) => look(how + ' (later)', v), () => {});
  };
  const proxy = new Proxy(function () {}, {});
  for (const [path, each] of functions) {
    // It repeats what it is told for as long as it is told to.
    if (/\\.(retry|waitFor|while|forever|repeat|times|until|whilst)/i.test(path)) continue;
    // Native code of Deno that ends the process when it is called so: that hurts its own plugin alone.
    if (/\\b_handle\\b|\\bkHandle\\b/.test(path) || (event.event === "crypto" && !/^exports\\.\\w+$/.test(path))) continue;
    for (const self of [undefined, null, 1, proxy]) {
      const callback = (...args) => { for (const arg of args) look(path + ' callback', arg) };
      for (const args of [[], [callback], [callback, {}, callback]]) {
        calls++;
        try { look(path, Reflect.apply(each, self, args)) } catch (error) { look(path + ' throws', error) }
      }
    }
  }
  await Promise.resolve();
  return { ...event, objects: seen.size, functions: functions.length, calls, found };
}`;

for (const name of PROVIDED_MODULES) {
  Deno.test(`no function of ${name} gives anything forbidden away, whatever it is called with`, async () => {
    const { objects, functions, calls, found } = await walk(name, INSTANCES[name] ?? "", CALLER);
    console.log(`${name}: ${objects} objects, ${functions} functions, ${calls} calls`);
    assert.ok(functions > 3, `only ${functions} functions`);
    assert.deepEqual(found, {});
  });

  Deno.test(`nothing forbidden can be reached through ${name}`, async () => {
    const { count, found } = await walk(name);
    assert.ok(count > 10, `only ${count} objects`);
    assert.deepEqual(found, {});
  });
}

Deno.test("the walk knows what is forbidden when it sees it", async () => {
  const { found } = await walk("url", "return { planted: URL.plant() }");
  assert.deepEqual(found, { "planted.deep": "timers.setTimeout" });
});

interface Walk {
  count: number;
  objects: number;
  functions: number;
  calls: number;
  found: Record<string, string>;
}

async function walk(name: string, make = INSTANCES[name] ?? "", walker = WALKER) {
  using watch = new ProcessWatch();
  await using cell = new Cell({
    process: startReachCell(),
    watch,
    deadlineMs: 60_000,
    memoryBytes: 2e9,
    callService: () => Promise.resolve(null),
    onLog() {},
  });
  const { plugins: [loaded] } = await cell.load({
    plugins: [{
      pluginConfigId: 39,
      teamId: 2,
      name: "walker",
      files: { "index.js": walker.replace("MAKE", make) },
      main: "index.js",
      config: {},
      attachments: {},
      scheduledTasks: [],
    }],
    deadlineMs: 60_000,
    egressAllow: [],
  });
  assert.ok(loaded && "capabilities" in loaded, JSON.stringify(loaded));
  const text = new TextEncoder().encode(JSON.stringify({ event: name, team_id: 2, properties: {} }));
  const { events, errors } = await cell.batch("processEvent", [0], { lengths: [text.byteLength], body: text });
  assert.deepEqual(errors, []);
  return JSON.parse(new TextDecoder().decode(events?.body)) as Walk;
}

/** Net rights as a cell has them; none of the addresses is reached. */
function startReachCell() {
  const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url)).replace(/\/$/, "");
  const folders = ["../../sandbox/", "../../runtime/", "../../node_modules/", "../../deno.json", "./reach/"];
  const { HOME = "/", DENO_DIR = `${HOME}/.cache/deno` } = Deno.env.toObject();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      `--config=${pathOf("../../deno.json")}`,
      "--allow-net",
      "--deny-net=127.0.0.0/8,10.0.0.0/8,169.254.0.0/16",
      `--allow-read=${folders.map(pathOf)}`,
      pathOf("./reach/cell.ts"),
    ],
    cwd: "/",
    clearEnv: true,
    env: { DENO_DIR },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return {
    pid: child.pid,
    writable: child.stdin,
    readable: child.stdout,
    stderr: child.stderr,
    status: child.status,
    kill: () => killChild(child),
  };
}
