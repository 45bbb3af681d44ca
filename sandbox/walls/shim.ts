/**
 * Makes what Deno offers of `process` harmless and quiet, before anything else runs in the Worker: SES and packages
 * read it, and several of its functions end the whole process without needing any permission.
 * Import this first.
 * @module
 */

import process from "node:process";
import os from "node:os";

function refuse(what: string): () => never {
  return () => {
    throw new Error(`Cannot call ${what}: it is not available in plugins`);
  };
}

function define(target: object, values: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(values)) {
    Object.defineProperty(target, key, { value, writable: false, enumerable: true, configurable: true });
  }
}

const nothing = () => undefined;
const stream = Object.freeze({
  isTTY: false,
  fd: -1,
  write: () => true,
  end: nothing,
  on: nothing,
  once: nothing,
  emit: () => false,
  removeListener: nothing,
  hasColors: () => false,
  getColorDepth: () => 1,
});

// process.on and its kin are inherited; as own properties they hide the EventEmitter, so that nothing can listen for
// signals.
const chained = () => process;

define(process, {
  env: Object.freeze({}),
  argv: Object.freeze(["deno", "plugin"]),
  execArgv: Object.freeze([]),
  stdin: stream,
  stdout: stream,
  stderr: stream,
  on: chained,
  once: chained,
  addListener: chained,
  prependListener: chained,
  prependOnceListener: chained,
  off: chained,
  removeListener: chained,
  removeAllListeners: chained,
  emit: () => false,
  listeners: () => [],
  listenerCount: () => 0,
  emitWarning: nothing,
  cwd: () => "/",
  umask: () => 0o22,
  memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), {
    rss: () => 0,
  }),
  getActiveResourcesInfo: () => [],
  _getActiveRequests: () => [],
  _getActiveHandles: () => [],
  _rawDebug: nothing,
});
for (const name of ["kill", "_kill", "exit", "abort", "reallyExit", "_fatalException", "_eval", "openStdin", "send"]) {
  define(process, { [name]: refuse(`process.${name}`) });
}
for (
  const name of [
    "chdir",
    "disconnect",
    "dlopen",
    "getBuiltinModule",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getuid",
    "initgroups",
    "loadEnvFile",
    "mainModule",
    "resourceUsage",
    "setegid",
    "seteuid",
    "setgid",
    "setgroups",
    "setuid",
    "setUncaughtExceptionCaptureCallback",
    "threadCpuUsage",
    "availableMemory",
    "constrainedMemory",
  ]
) {
  define(process, { [name]: undefined });
}

// Packages ask for these when they load; the answers are constants, the same everywhere.
define(os, {
  arch: () => "x64",
  cpus: () => [],
  freemem: () => 0,
  homedir: () => "/",
  hostname: () => "plugin",
  loadavg: () => [0, 0, 0],
  networkInterfaces: () => ({}),
  platform: () => "linux",
  release: () => "",
  tmpdir: () => "/tmp",
  totalmem: () => 0,
  type: () => "Linux",
  uptime: () => 0,
  userInfo: () => ({ uid: -1, gid: -1, username: "plugin", homedir: "/", shell: null }),
  version: () => "",
  machine: () => "x86_64",
});
