/**
 * A socket for one cell to connect to. The pipes of a child process hold 64 KB and are read by a thread of their own:
 * sending a frame of 300 KB there and back takes 38 context switches and 210 and 250 µs of the two sides' time.
 * Through a socket it takes 4 switches and 55 µs (measured).
 * @module
 */

export interface CellSocket {
  /** In a folder that is open to this user alone, and gone once the cell is there. */
  readonly path: string;
  /** What the host sends; waits for the cell. */
  readonly writable: WritableStream<Uint8Array>;
  /** What the cell sends; ends with the connection, or when the cell never comes. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Gives up waiting for the cell. */
  close(): void;
}

export function listenForCell(): CellSocket {
  const folder = Deno.makeTempDirSync({ prefix: "hogpen_cell_" });
  const path = `${folder}/socket`;
  const listener = Deno.listen({ transport: "unix", path });
  let listening = true;
  function close(): void {
    if (!listening) return;
    listening = false;
    listener.close();
    Deno.removeSync(folder, { recursive: true });
  }
  const connected = listener.accept().finally(close);
  // Readers and writers notice that the connection is gone.
  connected.catch(() => {});

  return {
    path,
    close,
    writable: new WritableStream({
      async write(bytes) {
        const connection = await connected;
        for (let at = 0; at < bytes.byteLength;) at += await connection.write(at === 0 ? bytes : bytes.subarray(at));
      },
      close: () => connected.then((connection) => connection.closeWrite()),
      // The reading end closes the connection, which the end of the process brings about.
      abort: () => {},
    }),
    readable: new ReadableStream({
      type: "bytes",
      async pull(controller) {
        const request = controller.byobRequest as ReadableStreamBYOBRequest;
        const count = await readSome(connected, request.view as Uint8Array<ArrayBuffer>);
        if (count > 0) return request.respond(count);
        controller.close();
        request.respond(0);
      },
      cancel: () => connected.then((connection) => connection.close(), () => {}),
    }),
  };
}

/** 0 at the end, closing what can then be closed. */
async function readSome(connected: Promise<Deno.Conn>, into: Uint8Array): Promise<number> {
  const connection = await connected.catch(() => null);
  const count = await connection?.read(into).catch(() => null) ?? null;
  if (count !== null) return count;
  connection?.close();
  return 0;
}
