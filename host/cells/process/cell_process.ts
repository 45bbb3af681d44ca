/**
 * The one place that knows how a cell is started: with which program, rights, addresses and limits, and how it talks
 * to the host.
 * @module
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { trustedCertificates } from "../../ca_certificates.ts";
import { denoDir } from "../../deno_dir.ts";
import { type CellSocket, listenForCell } from "./cell_socket.ts";

export interface CellLimits {
  /** What the cell may use of its own memory; V8's heap limit follows from it. */
  memoryMb: number;
  /** Value of `--deny-net`. */
  denyNet: string;
}

/** What runs in a cell. */
export interface CellProgram {
  /** Path of what the cell's own thread runs. */
  entry: string;
  /** Paths of what the cell may read of it; the Worker inside reads nothing. */
  readable: string[];
}

/** A running cell: bytes both ways, and the end. */
export interface CellProcess {
  readonly pid: number;
  readonly writable: WritableStream<Uint8Array>;
  readonly readable: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly status: Promise<Deno.CommandStatus>;
  /** SIGKILL: nothing that runs inside can delay it. */
  kill(): void;
}

const ROOT = new URL("../../../", import.meta.url);

/** The sandbox as it is written. */
const MODULES: CellProgram = {
  entry: pathOf("sandbox/boot/cell.ts"),
  readable: ["sandbox/", "runtime/"].map(pathOf),
};

/** The packages that the sandbox hands to plugins, and how they are found. */
const PACKAGES = ["node_modules/", "deno.json"].map(pathOf);

/**
 * V8 must reach its heap limit before the memory watch does, since it then says so in words, and it must leave room
 * for the rest of the process.
 */
const HEAP_SHARE = 0.75;
const SMALLEST_HEAP_MB = 32;

/**
 * Half of V8's young generation at its largest. By default V8 lets it grow to 64 MB under load, for less than 10 MB of
 * objects that are alive, and events pass no faster (docs/PERFORMANCE.md).
 */
const SEMI_SPACE_MB = 8;

/**
 * Address space that two isolates reserve without using it (measured: 1.05 GB). The back-stop allows it on top of the
 * limit.
 */
const RESERVED_MB = 1280;

/**
 * Kernel limits for the time between two looks at the memory: data segment, open files, and no core dumps (a killed 1
 * GB heap would fill the disk). Should the machine run out of memory, a cell is killed before anything else.
 */
const SHELL_PROLOGUE = 'ulimit -c 0; ulimit -n 512; ulimit -d "$1"; shift; ' +
  'echo 1000 > /proc/self/oom_score_adj; exec "$@"';

/**
 * Starts a cell, from the sandbox's modules when nothing was built or it has been cleared away. Its entry waits for a
 * Load frame.
 */
export function startCellProcess(limits: CellLimits, built?: CellProgram): CellProcess {
  const program = built !== undefined && [built.entry, ...built.readable].every(existsSync) ? built : MODULES;
  const socket = openSocket();
  const line = Deno.build.standalone ? compiledLine() : denoLine(limits, program, socket);
  line.push(JSON.stringify(socket === null ? {} : { socket: socket.path }));
  const [command, args] = Deno.build.os === "linux" ? withKernelLimits(line, limits) : [line[0], line.slice(1)];
  const child = new Deno.Command(command as string, {
    args,
    cwd: "/",
    clearEnv: true,
    env: {
      // Plugins were written for servers in UTC.
      TZ: "UTC",
      NO_COLOR: "1",
      // One malloc arena per thread would take 2.5 MB more for every cell (measured) without saving time.
      MALLOC_ARENA_MAX: "1",
      ...trustedCertificates(),
      ...Deno.build.standalone ? { DENO_V8_FLAGS: heapFlags(limits) } : { DENO_DIR: denoDir() },
    },
    stdin: socket === null ? "piped" : "null",
    stdout: socket === null ? "piped" : "null",
    stderr: "piped",
  }).spawn();
  void child.status.then(() => socket?.close());
  return {
    pid: child.pid,
    writable: socket?.writable ?? child.stdin,
    readable: socket?.readable ?? child.stdout,
    stderr: child.stderr,
    status: child.status,
    kill() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    },
  };
}

/**
 * Null where there are no Unix sockets, or no folder for them, as in a read-only container: then the pipes of the
 * process are used.
 */
function openSocket(): CellSocket | null {
  try {
    return Deno.build.os === "windows" ? null : listenForCell();
  } catch {
    return null;
  }
}

function denoLine(limits: CellLimits, program: CellProgram, socket: CellSocket | null): string[] {
  const reads = [...program.readable, ...PACKAGES];
  // Connecting to a socket takes the rights to read and to write. The socket file is removed once the cell is
  // connected.
  const writes = socket === null ? [] : [`--allow-write=${socket.path}`];
  if (socket !== null) reads.push(socket.path);
  return [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    // Nothing is fetched that it would check.
    "--no-lock",
    `--config=${pathOf("deno.json")}`,
    "--allow-net",
    `--deny-net=${limits.denyNet}`,
    `--allow-read=${reads.join(",")}`,
    ...writes,
    `--v8-flags=${heapFlags(limits)}`,
    program.entry,
  ];
}

/**
 * In a compiled executable there is no deno to run. The same executable has a command for a cell, which gives up the
 * rights that flags would not have granted.
 */
function compiledLine(): string[] {
  return [Deno.execPath(), "cell"];
}

function withKernelLimits(line: string[], limits: CellLimits): [string, string[]] {
  const dataKb = (limits.memoryMb + RESERVED_MB) * 1024;
  return ["/bin/sh", ["-c", SHELL_PROLOGUE, "cell", String(dataKb), ...line]];
}

function heapFlags(limits: CellLimits): string {
  const oldSpaceMb = Math.max(SMALLEST_HEAP_MB, Math.round(limits.memoryMb * HEAP_SHARE));
  return `--max-old-space-size=${oldSpaceMb},--max-semi-space-size=${SEMI_SPACE_MB}`;
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, ROOT)).replace(/\/$/, "");
}
