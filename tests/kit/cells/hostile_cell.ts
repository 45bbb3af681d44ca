/**
 * The far end of a cell's pipes in a test's hands: what a sandbox sends whose every guard was broken.
 * @module
 */

import { Cell } from "../../../host/cells/process/cell.ts";
import { ProcessWatch } from "../../../host/cells/process/process_watch.ts";
import { decodeFrame, encodeFrame, encodeJsonFrame, type Frame, FrameReader } from "../../../runtime/frames.ts";
import type { LogBatch } from "../../../runtime/protocol.ts";

export interface HostileCell extends AsyncDisposable {
  cell: Cell;
  /** The next frame that the host sent. */
  next(): Promise<Frame>;
  send(kind: number, id: number, payload: Uint8Array): void;
  sendJson(kind: number, id: number, value: unknown): void;
  sendBytes(bytes: Uint8Array): void;
  logs: LogBatch[];
  /** Arguments of the service calls that reached the host. */
  calls: unknown[][];
  killed: boolean;
}

const DEADLINE_MS = 200;

export function openHostileCell(): HostileCell {
  const frames: Frame[] = [];
  const reader = new FrameReader(64 * 1024 * 1024);
  const status = Promise.withResolvers<Deno.CommandStatus>();
  let waiting: ((frame: Frame) => void) | null = null;
  let output: ReadableByteStreamController | undefined;
  let errors: ReadableStreamDefaultController<Uint8Array> | undefined;
  const watch = new ProcessWatch();
  const hostile: HostileCell = {
    cell: undefined as unknown as Cell,
    logs: [],
    calls: [],
    killed: false,
    next() {
      const frame = frames.shift();
      return frame === undefined ? new Promise((resolve) => waiting = resolve) : Promise.resolve(frame);
    },
    send: (kind, id, payload) => hostile.sendBytes(encodeFrame(kind, id, payload)),
    sendJson: (kind, id, value) => hostile.sendBytes(encodeJsonFrame(kind, id, value)),
    sendBytes: (bytes) => output?.enqueue(bytes),
    async [Symbol.asyncDispose]() {
      await hostile.cell[Symbol.asyncDispose]();
      watch[Symbol.dispose]();
    },
  };
  hostile.cell = new Cell({
    process: {
      pid: 0,
      writable: new WritableStream({
        write(chunk) {
          for (const bytes of reader.push(chunk)) {
            const frame = decodeFrame(bytes);
            if (waiting === null) frames.push(frame);
            else waiting(frame);
            waiting = null;
          }
        },
      }),
      readable: new ReadableStream({
        type: "bytes",
        start: (controller) => void (output = controller),
        // The host stops reading at the first bad frame.
        cancel: () => output = undefined,
      }),
      stderr: new ReadableStream({ start: (controller) => void (errors = controller) }),
      status: status.promise,
      kill() {
        if (hostile.killed) return;
        hostile.killed = true;
        output?.close();
        output?.byobRequest?.respond(0);
        errors?.close();
        status.resolve({ success: false, code: 137, signal: "SIGKILL" });
      },
    },
    watch,
    deadlineMs: DEADLINE_MS,
    memoryBytes: 1e9,
    callService(_plugin, _name, args) {
      hostile.calls.push(args);
      return new Promise(() => {});
    },
    onLog: (batch) => hostile.logs.push(batch),
  });
  return hostile;
}
