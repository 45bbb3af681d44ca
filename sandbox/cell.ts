/**
 * Entry of a cell: a process that carries frames between its pipes and the one Worker in it, and ends itself when
 * either side is gone. It never looks into a payload. Its thread stays free while a plugin spins, so that it can end at
 * once when the host does.
 * @module
 */

import { FRAME_HEADER_BYTES, FrameKind } from "../runtime/protocol.ts";
import { FrameReader } from "../runtime/frames.ts";
import { FrameGuard, ProtocolViolation } from "./frame_guard.ts";

/** Why a cell ended by itself. The reason follows on stderr as one line `cell: <reason>`. */
const ExitCode = { hostGone: 0, badHostFrame: 64, badSandboxFrame: 65, sandboxFailed: 66 } as const;

/** Limits in bytes, changed by a JSON object as the first argument. */
const limits = {
  /** A frame from the host. */
  hostFrameBytes: 64 * 1024 * 1024,
  /** A BatchResult. */
  batchResultBytes: 64 * 1024 * 1024,
  /** Any other frame from the sandbox. */
  frameBytes: 9 * 1024 * 1024,
  ...JSON.parse(Deno.args[0] ?? "{}") as object,
};

function end(code: number, reason: string): never {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`cell: ${reason.replace(/\s+/g, " ").slice(0, 500)}\n`));
  } catch {
    // Nobody is left to read it.
  }
  Deno.exit(code);
}

const guard = new FrameGuard(limits);

const worker = new Worker(new URL("./worker.ts", import.meta.url), {
  type: "module",
  name: "sandbox",
  deno: {
    permissions: {
      net: "inherit",
      read: false,
      write: false,
      env: false,
      run: false,
      sys: false,
      ffi: false,
      import: false,
    },
  },
});

/** Waits while the pipe is full: the host reads whatever else it does, and its end shows here as an error. */
function write(frame: Uint8Array): void {
  try {
    for (let at = 0; at < frame.byteLength;) at += Deno.stdout.writeSync(at === 0 ? frame : frame.subarray(at));
  } catch {
    end(ExitCode.hostGone, "the host closed the pipe");
  }
}

worker.onmessage = ({ data }: MessageEvent<unknown>) => {
  try {
    write(guard.checkFromSandbox(data));
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    end(ExitCode.badSandboxFrame, error.message);
  }
};
worker.onmessageerror = () => end(ExitCode.badSandboxFrame, "Cannot read a message of the sandbox");
worker.onerror = (event) => {
  event.preventDefault();
  end(ExitCode.sandboxFailed, `The sandbox failed: ${event.message}`);
};

const reader = new FrameReader(limits.hostFrameBytes);
const chunk = new Uint8Array(256 * 1024);
for (;;) {
  const read = await Deno.stdin.read(chunk).catch(() => null);
  if (read === null) end(ExitCode.hostGone, "the host is gone");
  let frames: Uint8Array<ArrayBuffer>[];
  try {
    frames = reader.push(chunk.subarray(0, read));
  } catch (error) {
    end(ExitCode.badHostFrame, String(error));
  }
  for (const frame of frames) {
    if (frame[FRAME_HEADER_BYTES - 5] === FrameKind.ServiceResult) guard.serviceAnswered();
    else guard.requestSent();
    worker.postMessage(frame.buffer, [frame.buffer]);
  }
}
