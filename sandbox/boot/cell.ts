/**
 * Entry of a cell: a process that carries frames between the host and the one Worker in it, and ends itself when
 * either side is gone. It never looks into a payload. Its thread stays free while a plugin spins, so that it can end at
 * once when the host does.
 * @module
 */

import { FRAME_HEADER_BYTES, FrameKind } from "../../runtime/protocol.ts";
import { FrameReader } from "../../runtime/frames.ts";
import { FrameWriter } from "./frame_writer.ts";
import { FrameGuard, ProtocolViolation } from "./frame_guard.ts";

/** Why a cell ended by itself. The reason follows on stderr as one line `cell: <reason>`. */
const ExitCode = { hostGone: 0, badHostFrame: 64, badSandboxFrame: 65, sandboxFailed: 66 } as const;

/** Changed by a JSON object as the last argument; limits in bytes. */
const options = {
  /** Path of the socket that the host listens on; without it frames go over the standard pipes. */
  socket: "",
  /** A frame from the host. */
  hostFrameBytes: 64 * 1024 * 1024,
  /** A BatchResult. */
  batchResultBytes: 64 * 1024 * 1024,
  /** Any other frame from the sandbox. */
  frameBytes: 9 * 1024 * 1024,
  ...JSON.parse(Deno.args.at(-1) ?? "{}") as object,
};

function end(code: number, reason: string): never {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`cell: ${reason.replace(/\s+/g, " ").slice(0, 500)}\n`));
  } catch {
    // The host, which would read it, is gone.
  }
  Deno.exit(code);
}

const guard = new FrameGuard(options);

// Beside this file and of the same version, also where both are bundles (host/cells/process/built_sandbox.ts).
const worker = new Worker(import.meta.url.replace(/\/cell([^/]*)$/, "/worker$1"), {
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

const connection = options.socket === "" ? null : await Deno.connect({ transport: "unix", path: options.socket });
await Deno.permissions.revoke({ name: "write" });
const writer = new FrameWriter(connection ?? Deno.stdout, () => end(ExitCode.hostGone, "the host closed the pipe"));
const input = connection ?? Deno.stdin;

worker.onmessage = ({ data }: MessageEvent<unknown>) => {
  try {
    writer.write(guard.checkFromSandbox(data));
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

/** Goes with every frame, so that the Worker knows which messages are the cell's own. */
const seal = crypto.randomUUID();
worker.postMessage(seal);

/** Runs until the host is gone. */
async function carryToSandbox(): Promise<never> {
  const reader = new FrameReader(options.hostFrameBytes);
  const chunk = new Uint8Array(256 * 1024);
  for (;;) {
    const read = await input.read(chunk).catch(() => null);
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
      worker.postMessage([seal, frame.buffer], [frame.buffer]);
    }
  }
}

void carryToSandbox();
