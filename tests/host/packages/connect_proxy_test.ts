/** Proves that the installer's proxy carries connections to where they are to go, and says why it could not. */

import assert from "node:assert/strict";
import { type ConnectProxy, startConnectProxy } from "../../../host/packages/connect_proxy.ts";

Deno.test("a connection through the proxy reaches the server, by name, both ways and to its end", async () => {
  using server = echoServer();
  await using proxy = startConnectProxy();
  using connection = await ask(proxy, `CONNECT localhost:${server.port} HTTP/1.1`);
  assert.match(await readSome(connection), /^HTTP\/1\.1 200 /);
  await connection.write(new TextEncoder().encode("hello"));
  assert.equal(await readSome(connection), "hello");
  await connection.closeWrite();
  assert.equal(await connection.read(new Uint8Array(1)), null);
  assert.equal(proxy.trouble, null);
});

Deno.test("what cannot be reached is answered with 502, and the reason is kept", async () => {
  await using proxy = startConnectProxy();
  using refused = await ask(proxy, "CONNECT name.invalid:443 HTTP/1.1");
  assert.match(await readSome(refused), /^HTTP\/1\.1 502 /);
  assert.match(proxy.trouble ?? "", /^no connection to name\.invalid \(.+\)$/);
});

Deno.test("nothing but CONNECT is answered, and disposing ends what is open", async () => {
  using server = echoServer();
  const proxy = startConnectProxy();
  using plain = await ask(proxy, "GET http://localhost/ HTTP/1.1");
  assert.match(await readSome(plain), /^HTTP\/1\.1 405 /);
  using open = await ask(proxy, `CONNECT localhost:${server.port} HTTP/1.1`);
  await readSome(open);
  await proxy[Symbol.asyncDispose]();
  assert.equal(await open.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("who does not know the password is not served", async () => {
  using server = echoServer();
  await using proxy = startConnectProxy();
  using connection = await ask(proxy, `CONNECT localhost:${server.port} HTTP/1.1`, "guess");
  assert.match(await readSome(connection), /^HTTP\/1\.1 407 /);
});

async function ask({ url }: ConnectProxy, line: string, given?: string): Promise<Deno.TcpConn> {
  const { port, username, password } = new URL(url);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const basic = btoa(`${username}:${given ?? password}`);
  const head = `${line}\r\nHost: localhost\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return connection;
}

async function readSome(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1000);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}

function echoServer(): Disposable & { port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of listener) void connection.readable.pipeTo(connection.writable).catch(() => {});
  })();
  return { port: (listener.addr as Deno.NetAddr).port, [Symbol.dispose]: () => listener.close() };
}
