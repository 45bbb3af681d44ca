/**
 * The provided modules that need no network work although they are frozen, and refuse to be changed.
 * @module
 */

import assert from "node:assert/strict";
import { pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

const WORKS: Record<string, string> = {
  "crypto: hash": `c.createHash('sha256').update('x').digest('hex').slice(0, 8) === '2d711642'`,
  "crypto: copy of a hash": `c.createHash('sha256').update('x').copy().digest('hex').slice(0, 8) === '2d711642'`,
  "crypto: hmac": `c.createHmac('sha1', 'k').update('x').digest('base64').length === 28`,
  "crypto: cipher": `(() => { const e = c.createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12));
    const text = Buffer.concat([e.update('secret'), e.final()]); const d = c.createDecipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12));
    d.setAuthTag(e.getAuthTag()); return d.update(text, undefined, 'utf8') + d.final('utf8') === 'secret' })()`,
  "crypto: sign and verify":
    `(() => { const { publicKey, privateKey } = c.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return c.createVerify('sha256').update('x').verify(publicKey, c.createSign('sha256').update('x').sign(privateKey)) })()`,
  "crypto: sign and verify with callbacks":
    `new Promise((resolve, reject) => { const { publicKey, privateKey } = c.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    c.sign('sha256', 'x', privateKey, (error, signed) => error ? reject(error) : c.verify('sha256', 'x', publicKey, signed, (error, holds) => resolve(holds))) })`,
  "crypto: ECDH": `c.createECDH('prime256v1').generateKeys().length === 65`,
  "crypto: random": `c.randomUUID().length === 36 && c.randomBytes(4).length === 4 && c.randomInt(5) < 5`,
  "crypto: derived keys": `c.pbkdf2Sync('a', 'b', 1, 8, 'sha1').length + c.scryptSync('a', 'b', 8).length === 16`,
  "crypto: web": `c.webcrypto.subtle.digest('SHA-1', Buffer.from('x')).then((digest) => digest.byteLength === 20)`,
  "zlib: every format":
    `['gzip:gunzip', 'deflate:inflate', 'deflateRaw:inflateRaw', 'brotliCompress:brotliDecompress'].every((pair) => {
    const [pack, unpack] = pair.split(':'); return String(z[unpack + 'Sync'](z[pack + 'Sync']('text'))) === 'text' })`,
  "zlib: callback":
    `new Promise((resolve, reject) => z.gzip('x', (error, bytes) => error ? reject(error) : resolve(bytes.length > 0)))`,
  "zlib: stream":
    `new Promise((resolve) => { const s = z.createGunzip(); s.on('data', (data) => resolve(String(data) === 'x')); s.end(z.gzipSync('x')) })`,
  "stream: pipe":
    `new Promise((resolve) => { const a = new PassThrough(), b = new PassThrough(); a.pipe(b); b.on('data', (d) => resolve(String(d) === 'x')); a.end('x') })`,
  "stream: subclass":
    `(async () => { class Upper extends PassThrough { _transform(chunk, encoding, done) { done(null, String(chunk).toUpperCase()) } }
    const s = new Upper(); s.end('x'); let text = ''; for await (const chunk of s) text += chunk; return text === 'X' })()`,
  "stream: what an instance overrides": `(() => { const s = new PassThrough(); s.on = 5; return s.on === 5 })()`,
  "stream: PassThrough alone": `Object.keys(require('stream')).join() === 'PassThrough'`,
  "url: both kinds":
    `u.parse('http://a.b/c?d=e').query === 'd=e' && new u.URL('http://a').host === 'a' && u.URL === URL`,
  "url: format and resolve":
    `u.resolve('http://a/b', 'c') === 'http://a/c' && u.format({ protocol: 'http', host: 'a' }) === 'http://a'`,
  "jsonwebtoken":
    `(() => { const jwt = require('jsonwebtoken'); return jwt.verify(jwt.sign({ a: 1 }, 'key', { expiresIn: '1h' }), 'key').a === 1 })()`,
  "generic-pool":
    `(async () => { const pool = require('generic-pool').createPool({ create: async () => ({ a: 1 }), destroy: async () => {} }, { max: 1 });
    const thing = await pool.acquire(); pool.release(thing); await pool.drain(); await pool.clear(); return thing.a === 1 })()`,
  "plugin-contrib": `new Promise((resolve) => { const { createBuffer } = require('@posthog/plugin-contrib');
    const buffer = createBuffer({ limit: 2, timeoutSeconds: 1, onFlush: async (things) => resolve(things.length === 1) }); buffer.add(1, 2); buffer.add(2, 2); buffer.add(3, 2) })`,
  "plugin-scaffold": `require('@posthog/plugin-scaffold').RetryError === RetryError`,
  "the same module whenever it is asked for": `require('pg') === require('pg') && require('crypto') === c`,
  "pg keeps its settings":
    `(() => { const pg = require('pg'); pg.defaults.poolSize = 7; return require('pg').defaults.poolSize === 7 })()`,
};

const CODE = `const c = require('crypto'), z = require('zlib'), u = require('url'), { PassThrough } = require('stream');
  const works = { ${Object.entries(WORKS).map(([name, code]) => `${JSON.stringify(name)}: () => ${code}`).join()} };
  exports.jobs = works`;

Deno.test("provided modules work in the sandbox", async (t) => {
  await using cell = new RawCell();
  const [loaded] = await cell.load([pluginOf(CODE)]);
  assert.ok(loaded && "capabilities" in loaded, JSON.stringify(loaded));
  for (const name of Object.keys(WORKS)) {
    await t.step(name, async () => assert.deepEqual(await cell.call({ type: "job", name }), { ok: true, value: true }));
  }
});

Deno.test("what a package keeps is one plugin's alone", async () => {
  await using cell = new RawCell();
  await cell.load([
    pluginOf(`require('pg').defaults.user = 'first'; exports.jobs = { user: () => require('pg').defaults.user }`, {
      pluginConfigId: 1,
    }),
    pluginOf(`exports.jobs = { user: () => require('pg').defaults.user }`, { pluginConfigId: 2 }),
  ]);
  const users = [];
  for (const plugin of [0, 1]) users.push(await cell.call({ plugin, type: "job", name: "user" }));
  assert.deepEqual(users[0], { ok: true, value: "first" });
  assert.notDeepEqual(users[1], users[0]);
});

Deno.test("modules load in any order, also after one that failed", async () => {
  await using cell = new RawCell();
  const names = ["pg", "stream", "jsonwebtoken", "zlib", "generic-pool", "crypto", "url", "@posthog/plugin-contrib"];
  for (const order of [names, names.toReversed()]) {
    const results = await cell.load([
      ...order.map((name, id) => pluginOf(`require('${name}')`, { pluginConfigId: id })),
      pluginOf(`try { require('nothing') } catch {} require('pg'); require('crypto')`, { pluginConfigId: 99 }),
    ]);
    assert.deepEqual(results.filter((result) => "error" in result), []);
  }
});
