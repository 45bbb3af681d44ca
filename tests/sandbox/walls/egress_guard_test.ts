/**
 * Proves that no connection a plugin can open reaches this machine or a private network unless `egress.allow` says so.
 * A server that counts its visitors stands behind each forbidden address.
 */

import assert from "node:assert/strict";
import { pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

/** A server that counts, and answers `N` to raw sockets: Postgres' word for "no encryption here". */
function openCanary() {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const canary = {
    port: listener.addr.port,
    connections: 0,
    async [Symbol.asyncDispose]() {
      listener.close();
      await done;
    },
  };
  const done = (async () => {
    for await (const connection of listener) {
      canary.connections++;
      await connection.write(new TextEncoder().encode("N")).catch(() => {});
      connection.close();
    }
  })();
  return canary;
}

/** What happened to each attempt, by its name. */
async function attempt(cell: RawCell, attempts: Record<string, string>, allow: string[] = []) {
  const entries = Object.entries(attempts).map(([name, code]) => `[${JSON.stringify(name)}]: async () => { ${code} }`);
  const [loaded] = await cell.load([pluginOf(`const attempts = { ${entries.join()} };
    exports.processEvent = async (e) => { e.said = {};
      for (const [name, run] of Object.entries(attempts)) {
        try { e.said[name] = String(await run()) } catch (error) { e.said[name] = error.message }
      }
      return e }`)], { egressAllow: allow, deadlineMs: 10_000 });
  assert.ok(loaded && "capabilities" in loaded, JSON.stringify(loaded));
  const { event, error } = await cell.process();
  assert.equal(error, undefined);
  return event?.["said"] as Record<string, string>;
}

const socket = (make: string) =>
  `const { Client } = require('pg');
  const { constructor: Socket } = new Client({}).connection.stream;
  return await new Promise((resolve, reject) => { const s = ${make}; s.on('connect', () => resolve('reached')); s.on('error', reject) })`;

Deno.test("no connection of a plugin reaches this machine", async () => {
  await using canary = openCanary();
  await using cell = new RawCell();
  const { port } = canary;
  const hosts = [
    "127.0.0.1",
    "localhost",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0177.1",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::]",
  ];
  const attempts: Record<string, string> = {};
  for (const host of hosts) {
    attempts[`fetch ${host}`] = `return (await fetch('http://${host}:${port}/')).status`;
    const bare = host.replace(/[[\]]/g, "");
    attempts[`pg ${host}`] =
      `const { Client } = require('pg'); await new Client({ host: '${bare}', port: ${port}, ssl: true }).connect(); return 'reached'`;
    attempts[`socket ${host}`] = socket(`new Socket().connect(${port}, '${bare}')`);
  }
  attempts["a lookup of one's own"] = socket(
    `new Socket().connect({ port: ${port}, host: 'example.com', lookup: (name, options, callback) => callback(null, '127.0.0.1', 4) })`,
  );
  attempts["options that change their mind"] = socket(
    `(() => { let n = 0; return new Socket().connect({ port: ${port}, get host() { return n++ ? '127.0.0.1' : '1.1.1.1' } }) })()`,
  );
  attempts["an address that changes its mind"] =
    `const { Client } = require('pg'); const s = new Client({}).connection.stream; s.on('error', () => {});
    s.connect(1, '1.1.1.1'); const { constructor: Handle } = s._handle; const codes = [];
    const changing = (first, then) => { let looks = 0; return { valueOf: () => looks++ ? then : first, toString: () => looks++ ? then : first } };
    for (const port of [${port}, changing(1, ${port})]) {
      codes.push(await new Promise((resolve) => {
        const code = new Handle(0).connect({ oncomplete: resolve }, changing('1.1.1.1', '127.0.0.1'), port);
        if (code !== 0) resolve(code);
      }));
    }
    return 'codes ' + codes`;
  attempts["the handle itself"] = `const { Client } = require('pg'); const s = new Client({}).connection.stream;
    s.on('error', () => {}); s.connect(1, '127.0.0.1'); const handle = s._handle; if (!handle) return 'no handle';
    return 'code ' + handle.connect({}, '127.0.0.1', ${port})`;
  const said = await attempt(cell, attempts);
  assert.equal(canary.connections, 0, JSON.stringify(said, null, 1));
  for (const host of hosts) {
    assert.match(said[`fetch ${host}`]!, /^Cannot connect to .*"egress"/, host);
    assert.match(said[`pg ${host}`]!, /^Cannot connect to .*"egress"/, host);
  }
});

Deno.test("private IPv6, redirects and other schemes are refused", async () => {
  await using redirector = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const target = new URL(request.url).searchParams.get("to");
    return target === null ? new Response("here") : new Response(null, { status: 302, headers: { location: target } });
  });
  await using cell = new RawCell();
  const origin = `http://127.0.0.1:${redirector.addr.port}`;
  const get = (url: string) => `return await (await fetch('${url}')).text()`;
  const said = await attempt(cell, {
    allowed: get(`${origin}/`),
    redirected: get(`${origin}/?to=/there`),
    metadata: get(`${origin}/?to=http://169.254.169.254/latest`),
    file: get(`${origin}/?to=file:///etc/passwd`),
    "fd00::1": get("http://[fd00::1]/"),
    "fe80::1": get("http://[fe80::1]:8080/"),
    nat64: get("http://[64:ff9b::7f00:1]/"),
    "file scheme": get("file:///etc/passwd"),
    "data scheme": get("data:text/plain,x"),
    "unix socket": socket(`new Socket().connect('/var/run/docker.sock')`),
    listen: `const { Client } = require('pg'); const s = new Client({}).connection.stream; s.on('error', () => {});
      s.connect(1, '1.1.1.1'); const handle = s._handle; s.destroy(); return handle ? 'code ' + handle.listen(1) + handle.bind('0.0.0.0', 1) : 'no handle'`,
  }, [`127.0.0.1:${redirector.addr.port}`]);
  assert.deepEqual([said["allowed"], said["redirected"]], ["here", "here"]);
  for (const name of ["metadata", "fd00::1", "fe80::1", "nat64"]) {
    assert.match(said[name]!, /^Cannot connect to .*"egress"/);
  }
  for (const name of ["file", "file scheme", "data scheme"]) {
    assert.match(said[name]!, /^Only HTTP\(S\) protocols are supported$/);
  }
  assert.match(said["unix socket"]!, /^Cannot connect to \/var\/run\/docker\.sock/);
  assert.match(said["listen"]!, /no handle|^code -13-13$/);
});

Deno.test("egress.allow opens what it says for fetch and sockets", async () => {
  await using canary = openCanary();
  await using cell = new RawCell();
  const pg = (host: string) =>
    `const { Client } = require('pg'); await new Client({ host: '${host}', port: ${canary.port}, ssl: true }).connect()`;
  const byAddress = await attempt(cell, { pg: pg("127.0.0.1") }, [`127.0.0.1:${canary.port}`]);
  assert.equal(byAddress["pg"], "The server does not support SSL connections");
  const byName = await attempt(cell, { name: pg("localhost") }, [`localhost:${canary.port}`]);
  assert.equal(byName["name"], "The server does not support SSL connections");
  assert.equal(canary.connections, 2);
});
