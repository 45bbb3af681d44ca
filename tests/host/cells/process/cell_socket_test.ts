/** Proves that the socket to a cell carries bytes both ways and admits that one cell only. */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { listenForCell } from "../../../../host/cells/process/cell_socket.ts";

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => index % 251);

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("listenForCell() carries bytes both ways, also what was sent before the cell came", async () => {
  const socket = listenForCell();
  const sent = bytes(1_000_000);
  const writer = socket.writable.getWriter();
  const written = writer.write(sent);
  const cell = await Deno.connect({ transport: "unix", path: socket.path });
  const read = new Uint8Array(sent.byteLength);
  for (let at = 0; at < read.byteLength;) at += await cell.read(read.subarray(at)) ?? assert.fail("ended early");
  await written;
  assert.deepEqual(read, sent);

  const answer = bytes(5000);
  await cell.write(answer);
  const reader = socket.readable.getReader({ mode: "byob" });
  const received: number[] = [];
  while (received.length < answer.byteLength) {
    const { value } = await reader.read(new Uint8Array(1000));
    received.push(...value ?? assert.fail("ended early"));
  }
  assert.deepEqual(Uint8Array.from(received), answer);

  cell.close();
  assert.equal((await reader.read(new Uint8Array(10))).done, true);
});

Deno.test("listenForCell() lets one cell in, through a folder of this user alone that is gone afterwards", async () => {
  const socket = listenForCell();
  const folder = dirname(socket.path);
  assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
  const cell = await Deno.connect({ transport: "unix", path: socket.path });
  await socket.writable.getWriter().write(bytes(1));
  assert.equal(await exists(folder), false);
  cell.close();
  assert.equal((await socket.readable.getReader({ mode: "byob" }).read(new Uint8Array(1))).done, true);
});

Deno.test("listenForCell() ends both ways when it gives up waiting", async () => {
  const socket = listenForCell();
  const read = socket.readable.getReader({ mode: "byob" }).read(new Uint8Array(1));
  const written = socket.writable.getWriter().write(bytes(1));
  socket.close();
  await assert.rejects(written);
  assert.equal((await read).done, true);
  assert.equal(await exists(dirname(socket.path)), false);
});
