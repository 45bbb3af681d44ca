/**
 * Answers what packages look for in the file system with nothing: no file exists. The Worker may not read any, and a
 * refusal is not what they are ready for, while a file that is not there is.
 * @module
 */

import { queueMicrotask, require } from "../capture.ts";

type Callback = (error: Error | null, ...rest: unknown[]) => void;
type Functions = Record<string, unknown>;

let hidden = false;

/** Hides them from now on, once. Called before a package is loaded. */
export function hideFiles(): void {
  if (hidden) return;
  hidden = true;
  const fs = require("node:fs") as Functions;
  hide(fs.promises as Functions, (name) => (path: unknown) => Promise.reject(noSuchFile(name, path)));
  hide(fs, (name) => name.endsWith("Sync") ? refuseNow(name) : refuseLater(name));
  fs.existsSync = () => false;
  // Of a log that would go into it; writing the log fails, which its writers bear.
  fs.mkdirSync = () => undefined;
  fs.exists = (_path: unknown, callback: (exists: boolean) => void) => queueMicrotask(() => callback(false));
}

/** Streams and other classes stay: they find nothing either. */
function hide(functions: Functions, refuse: (name: string) => unknown): void {
  for (const name of Object.keys(functions)) {
    if (typeof functions[name] === "function" && /^[a-z]/.test(name) && !name.startsWith("create")) {
      functions[name] = refuse(name);
    }
  }
}

function refuseNow(name: string) {
  return (path: unknown): never => {
    throw noSuchFile(name.replace(/Sync$/, ""), path);
  };
}

function refuseLater(name: string) {
  return (path: unknown, ...rest: unknown[]): void => {
    const callback = rest.findLast((each): each is Callback => typeof each === "function");
    if (callback === undefined) throw noSuchFile(name, path);
    queueMicrotask(() => callback(noSuchFile(name, path)));
  };
}

function noSuchFile(syscall: string, path: unknown): Error {
  const error = new Error(`ENOENT: no such file or directory, ${syscall} '${String(path)}'`);
  return Object.assign(error, { code: "ENOENT", errno: -2, syscall, path });
}
