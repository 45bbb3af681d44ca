/**
 * The least that a proxy in Deno can do: pass on a small request and its small answer, both with their headers, over a
 * kept-alive connection. It checks nothing, changes nothing and expects that one read gives a whole answer. Prints its
 * port.
 * @module
 */

import { Buffer } from "node:buffer";

const { hostname, port } = new URL(Deno.args[0] as string);
const free: { socket: Deno.TcpConn; buffer: Buffer }[] = [];

Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, async (request) => {
  let head = `${request.method} /flags/ HTTP/1.1\r\n`;
  request.headers.forEach((value, name) => head += `${name}: ${value}\r\n`);
  const body = await request.bytes();
  const connection = free.pop() ??
    { socket: await Deno.connect({ hostname, port: Number(port) }), buffer: Buffer.alloc(16_384) };
  const { socket, buffer } = connection;
  const headLength = buffer.write(`${head}\r\n`, "latin1");
  buffer.set(body, headLength);
  await socket.write(buffer.subarray(0, headLength + body.byteLength));
  const length = await socket.read(buffer) ?? 0;
  const text = buffer.toString("latin1", 0, length);
  const end = text.indexOf("\r\n\r\n");
  const headers = text.slice(0, end).split("\r\n").slice(1).map((line): [string, string] => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  const answer = new Response(Uint8Array.from(buffer.subarray(end + 4, length)), { headers });
  free.push(connection);
  return answer;
});
