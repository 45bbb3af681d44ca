/**
 * What two plugins of a cell share: one marks every object that it reaches and can change, the other one looks for
 * marks.
 * @module
 */

import assert from "node:assert/strict";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

/** Everything that a plugin reaches: the modules, objects that they make, and what these lead to. */
const WALKER = `
const MARK = Symbol.for('mark');
const MODULES = ['crypto', 'url', 'zlib', 'stream', 'node-fetch', '@posthog/plugin-scaffold', '@posthog/plugin-contrib', 'jsonwebtoken', 'generic-pool',
  'pg', 'aws-sdk', 'faker', '@google-cloud/storage', '@google-cloud/pubsub', '@google-cloud/bigquery', 'snowflake-sdk', 'ethers'];
async function roots(meta, ports) {
  const crypto = require('crypto'), zlib = require('zlib'), { PassThrough } = require('stream'), pg = require('pg'), AWS = require('aws-sdk');
  const key = Buffer.alloc(32), iv = Buffer.alloc(16);
  const pair = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const client = new pg.Client({ host: '10.0.0.1' }); client.on('error', () => {});
  const refused = await client.connect().catch((error) => error);
  const tls = new pg.Client({ host: '127.0.0.1', port: ports.pg, ssl: { rejectUnauthorized: false } }); tls.on('error', () => {}); tls.connect(() => {});
  const answered = new AWS.S3({ endpoint: 'http://127.0.0.1:' + ports.http, accessKeyId: 'a', secretAccessKey: 'b', maxRetries: 0 }).listBuckets();
  let incoming; answered.on('httpHeaders', () => { incoming = answered.response.httpResponse.stream ?? answered.response.httpResponse });
  const answer = await answered.promise().catch((error) => error);
  const fetched = await fetch('http://127.0.0.1:' + ports.http); const text = fetched.body;
  const bigquery = new (require('@google-cloud/bigquery').BigQuery)({ projectId: 'p', credentials: { client_email: 'a', private_key: 'b' } });
  const authClient = await bigquery.authClient.getClient();
  const fetchedByPackage = await authClient.transporter.request({ url: 'http://127.0.0.1:' + ports.http });
  const raw = new pg.Client({ host: '8.8.8.8', ssl: true }); raw.on('error', () => {}); raw.connect(() => {});
  const s3 = new AWS.S3({ endpoint: 'http://8.8.8.8:1', accessKeyId: 'a', secretAccessKey: 'b', maxRetries: 0 });
  const request = s3.listBuckets(); request.on('error', () => {}); request.send(() => {}); await meta.cache.get('x');
  const pass = new PassThrough(); pass.write('x'); const piped = pass.pipe(zlib.createGzip());
  const blob = new Blob(['x']); const reader = blob.stream().getReader(); await reader.read();
  const segments = new Intl.Segmenter().segment('a b');
  const errors = [];
  for (const fail of [() => null.x, () => new URL('::'), () => atob('*'), () => structuredClone(() => {}), () => require('fs'), () => JSON.parse('{'),
    () => crypto.createHash('none'), () => zlib.gunzipSync('x'), () => Buffer.alloc(-1), () => crypto.createSecretKey(1), () => new PassThrough({ highWaterMark: -1 })]) {
    try { fail() } catch (error) { errors.push(error) }
  }
  for (const fail of [fetch('file:///'), fetch('http://10.0.0.1/'), fetch('http://8.8.8.8:1/'), meta.cache.lpush('x', 1)]) errors.push(await fail.catch((error) => error));
  const subtle = crypto.webcrypto && crypto.webcrypto.subtle;
  const makers = {
    hash: () => crypto.createHash('sha256'), hmac: () => crypto.createHmac('sha256', 'x'),
    cipher: () => crypto.createCipheriv('aes-256-cbc', key, iv), gcm: () => crypto.createCipheriv('aes-256-gcm', key, Buffer.alloc(12)),
    decipher: () => crypto.createDecipheriv('aes-256-cbc', key, iv), sign: () => crypto.createSign('sha256'),
    verify: () => crypto.createVerify('sha256'), secret: () => crypto.createSecretKey(key), pair: () => pair,
    dh: () => crypto.getDiffieHellman('modp1'), ecdh: () => crypto.createECDH('prime256v1'),
    cryptoKey: async () => subtle && await subtle.importKey('raw', key, 'AES-GCM', true, ['encrypt']), gzip: () => zlib.createGzip(),
    gunzip: () => zlib.createGunzip(), deflate: () => zlib.createDeflateRaw(), brotli: () => zlib.createBrotliCompress(),
    unbrotli: () => zlib.createBrotliDecompress(), pass: () => pass, piped: () => piped, client: () => client, refused: () => refused, raw: () => raw,
    request: () => request, s3: () => s3, blob: () => blob, reader: () => reader, stream: () => blob.stream(),
    streamIterator: () => blob.stream()[Symbol.asyncIterator](), values: () => blob.stream().values(), tee: () => blob.stream().tee(),
    segments: () => segments, segment: () => segments[Symbol.iterator](), dates: () => new Intl.DateTimeFormat('en'),
    numbers: () => new Intl.NumberFormat('en'), locale: () => new Intl.Locale('en'), names: () => new Intl.DisplayNames(['en'], { type: 'region' }),
    list: () => new Intl.ListFormat('en'), plural: () => new Intl.PluralRules('en'), relative: () => new Intl.RelativeTimeFormat('en'),
    collator: () => new Intl.Collator('en'), compare: () => new Intl.Collator('en').compare, form: () => new FormData(),
    formEntries: () => new FormData().entries(), headers: () => new Headers({ a: 'b' }), headerEntries: () => new Headers({ a: 'b' }).entries(),
    response: () => new Response('x'), req: () => new Request('http://a/'), params: () => new URLSearchParams('a=b').entries(),
    url: () => new URL('http://a/?b'), parsed: () => require('url').parse('http://a/'), abort: () => new AbortController(),
    event: () => { let event; const c = new AbortController(); c.signal.addEventListener("abort", (e) => { event = e }); c.abort(); return event }, encoder: () => new TextEncoder(), decoder: () => new TextDecoder(), file: () => new File(['x'], 'x'),
    bytes: () => Buffer.from('x'), weak: () => new WeakRef({}), registry: () => new FinalizationRegistry(() => {}),
    iterators: () => [[][Symbol.iterator](), new Map().entries(), new Set().values(), 'x'[Symbol.iterator](), 'x'.matchAll(/x/g), (function* () {})(), (async function* () {})(),
      Buffer.from('x').entries(), pass[Symbol.asyncIterator](), Iterator.from({ next() { return { done: true } } }), [1].values().map((x) => x)],
    pool: () => require('generic-pool').createPool({ create: async () => ({}), destroy: async () => {} }),
    buffer: () => require('@posthog/plugin-contrib').createBuffer({ limit: 10, onFlush() {} }),
    storage: () => new (require('@google-cloud/storage').Storage)({ projectId: 'p' }),
    pubsub: () => new (require('@google-cloud/pubsub').PubSub)({ projectId: 'p' }),
    snowflake: () => require('snowflake-sdk').createConnection({ account: 'a', username: 'b', password: 'c' }), pgPool: () => new pg.Pool({}),
    inspected: () => { let given; const odd = { [Symbol.for('nodejs.util.inspect.custom')](...args) { given = args; return '' } };
      try { new PassThrough({ highWaterMark: odd }) } catch {} return given },
    generated: () => { const client = new (require('@google-cloud/pubsub').v1.PublisherClient)({ projectId: 'p', credentials: { client_email: 'a', private_key: 'b' } });
      return client._gaxModule.protobuf.util.codegen([], 'scope')('return globalThis')()() },
    job: () => meta.jobs.any ? meta.jobs.any({}) : undefined, promise: () => meta.cache.get('x').catch(() => {}),
    proxy: () => posthog.capture('x', {}).catch(() => {}),
  };
  const made = {}, missing = [];
  for (const [name, make] of Object.entries(makers)) try { made[name] = await make() } catch (error) { missing.push(name + ' ' + error.message) }
  const modules = {}; for (const name of MODULES) modules[name] = require(name);
  return { globalThis, meta, require, modules, made, errors, module, missing, tls, answered, answer, incoming, fetched, text, fetchedByPackage, clock: typeof __hogpen_loop === 'undefined' ? undefined : __hogpen_loop };
}
/** Without a module: with the first one that somebody asks for, Node's are frozen. */
async function rootsWithoutModules(meta) {
  const odd = { [Symbol.for('nodejs.util.inspect.custom')](...args) { odd.given = args; return '' } };
  const errors = [];
  for (const fail of [() => null.x, () => new URL('::'), () => atob('*'), () => structuredClone(() => {}), () => require('fs'), () => JSON.parse('{'),
    () => Buffer.alloc(-1), () => Buffer.from(odd), () => Buffer.alloc(odd), () => new URL(odd), () => new TextDecoder('none')]) {
    try { fail() } catch (error) { errors.push(error) }
  }
  for (const fail of [meta.cache.lpush('x', 1), new Response(odd).json()]) errors.push(await Promise.resolve(fail).catch((error) => error));
  const blob = new Blob(['x']), stream = new Response('x').body;
  return { globalThis, meta, require, module, errors, given: odd.given, blob, stream, blobStream: blob.stream(), reader: blob.stream().getReader(), tee: blob.stream().tee(),
    values: blob.stream().values(), abort: new AbortController(), aborted: AbortSignal.abort(), bytes: Buffer.from('x'), entries: Buffer.from('x').entries(),
    form: new FormData().entries(), headers: new Headers({ a: 'b' }).entries(), request: new Request('http://a/', { method: 'POST', body: 'x' }), params: new URLSearchParams('a=b').entries(),
    segments: new Intl.Segmenter().segment('a b')[Symbol.iterator](), date: new Date(), url: new URL('http://a/?b') };
}
async function walk(meta, ports, visit, from = roots) {
  const seen = new Set(); const queue = [];
  const add = (path, value) => {
    if (((typeof value !== 'object' || value === null) && typeof value !== 'function') || seen.has(value)) return;
    seen.add(value); queue.push([path, value]);
  };
  const all = await from(meta, ports);
  for (const [name, value] of Object.entries(all)) add(name, value);
  for (let at = 0; at < queue.length && at < 400000; at++) {
    const [path, value] = queue[at];
    add(path + '.__proto__', Object.getPrototypeOf(value));
    if (ArrayBuffer.isView(value)) continue;
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key); if (!descriptor) continue;
      const place = path + '.' + String(key);
      add(place, descriptor.value); add(place + ' get', descriptor.get); add(place + ' set', descriptor.set);
      if (descriptor.get && !/domain|parent/.test(place)) try { add(place, value[key]) } catch {}
    }
  }
  for (const [path, value] of queue) visit(path, value);
  walk.missing = all.missing;
  return queue.length;
}`;

const ATTACKER = `${WALKER}
exports.processEvent = async (event, meta) => {
  let marked = 0;
  const replaced = [];
  const mark = (path, value) => {
    if (Reflect.defineProperty(value, MARK, { value: 'added', configurable: true })) marked++;
    else for (const key of Reflect.ownKeys(value)) {
      const { writable, configurable, value: old } = Reflect.getOwnPropertyDescriptor(value, key) ?? {};
      if ((writable || configurable) && typeof old === 'function') replaced.push([value, key]);
    }
  };
  const replace = () => {
    for (const [value, key] of replaced) {
      const double = function () {}; double[MARK] = 'replaced';
      try { Reflect.defineProperty(value, key, { value: double }) } catch {}
    }
  };
  const early = await walk(meta, event.properties, mark, rootsWithoutModules);
  replace();
  const count = await walk(meta, event.properties, mark);
  replace();
  return { ...event, early, count, marked };
}`;

const NEIGHBOUR = `${WALKER}
exports.processEvent = async (event, meta) => {
  const found = [];
  const counted = await walk(meta, event.properties, (path, value) => {
    try { if (Object.hasOwn(value, MARK)) found.push(path + ' ' + value[MARK]) } catch {}
  });
  return { ...event, counted, found, missing: walk.missing };
}`;

/**
 * Node's own callbacks that hang on sockets and streams, and what they have as functions: nobody looks at a property
 * that was added to them. And what util.promisify writes itself before it is read.
 */
const HARMLESS =
  /(?:writecb|(?:stream|socket)\.write|connect6?|_onPendingData|timeoutCb|_events\.\w+(?:\.\d+)?)(?:\.prototype)? added$|promisify\.custom\)\.Symbol\(nodejs\.util\.promisify\.custom\) replaced$/;

Deno.test("plugins of a cell share nothing that one of them can change", async () => {
  // One speaks HTTP, the other says yes to every client that asks for encryption, as Postgres does.
  await using http = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("<a/>"));
  const pg = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const connections: Deno.TcpConn[] = [];
  const serving = (async () => {
    for await (const connection of pg) {
      connections.push(connection);
      await connection.write(new TextEncoder().encode("S")).catch(() => {});
    }
  })();
  const ports = { http: http.addr.port, pg: pg.addr.port };
  await using cell = new RawCell({ "cache.get": () => new Promise((resolve) => setTimeout(resolve, 50)) });
  const loaded = await cell.load([pluginOf(ATTACKER), pluginOf(NEIGHBOUR)], { egressAllow: ["127.0.0.1"] });
  assert.ok(loaded.every((each) => "capabilities" in each), JSON.stringify(loaded));
  const { events, ...rest } = await cell.batch([eventOf({ properties: ports })], "processEvent", [0, 1]);
  const event = events[0] as Record<string, unknown>;
  assert.ok(Number(event["early"]) > 1_000, JSON.stringify({ ...event, ...rest }));
  assert.ok(Number(event["counted"]) > 20_000, JSON.stringify({ ...event, ...rest }));
  assert.deepEqual(event["missing"], []);
  const found = (event["found"] as string[]).filter((path) => !HARMLESS.test(path));
  assert.deepEqual(found, []);
  for (const each of [pg, ...connections]) each.close();
  await serving;
});
