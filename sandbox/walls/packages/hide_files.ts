/**
 * Answers whatever packages look for in the file system with nothing: no file exists. The Worker may not read any
 * file, and packages are not prepared for a refusal, while they are for a missing file.
 * @module
 */

import { queueMicrotask, require } from "../capture.ts";

type Callback = (error: Error | null, ...rest: unknown[]) => void;
type Functions = Record<string, unknown>;
type Streams = typeof import("node:stream");

/** What packages have as `fs`. */
export interface Files {
  promises: object;
}

let files: Files | undefined;

/** Hides them from now on, once. Called before a package is loaded. */
export function hideFiles(): void {
  if (files !== undefined) return;
  const fs = require("node:fs") as Functions;
  const promises = fs["promises"] as Functions;
  files = Object.freeze({
    ...hiddenFrom(fs),
    ...streamsOfNothing(require("node:stream") as Streams),
    constants: Object.freeze({ ...fs["constants"] as object }),
    promises: Object.freeze(hiddenPromisesFrom(promises)),
  });
  Object.assign(fs, hiddenFrom(fs));
  Object.assign(promises, hiddenPromisesFrom(promises));
}

/** An object of the same functions without the real one's classes. After {@linkcode hideFiles}. */
export function filesForPackages(): Files {
  if (files === undefined) throw new Error("Cannot give a package its files: they are not hidden yet");
  return files;
}

function hiddenFrom(fs: Functions): Functions {
  return {
    ...refuseEach(fs, (name) => name.endsWith("Sync") ? refuseNow(name) : refuseLater(name)),
    existsSync: () => false,
    // The descriptor of a log file; writing to it fails, which those who write logs tolerate.
    mkdirSync: () => undefined,
    exists: (_path: unknown, callback: (exists: boolean) => void) => queueMicrotask(() => callback(false)),
  };
}

function hiddenPromisesFrom(promises: Functions): Functions {
  return refuseEach(promises, (name) => (path: unknown) => Promise.reject(noSuchFile(name, path)));
}

/** Streams and other classes stay in the real one: they find nothing either. */
function refuseEach(functions: Functions, refuse: (name: string) => unknown): Functions {
  const names = Object.keys(functions).filter((name) =>
    typeof functions[name] === "function" && /^[a-z]/.test(name) && !name.startsWith("create")
  );
  return Object.fromEntries(names.map((name) => [name, refuse(name)]));
}

/** Streams that fail as those of files which are not there. */
function streamsOfNothing({ Readable, Writable }: Streams): Functions {
  class ReadStream extends Readable {
    constructor(readonly path: unknown) {
      super();
    }
    override _read(): void {
      this.destroy(noSuchFile("open", this.path));
    }
  }
  class WriteStream extends Writable {
    constructor(readonly path: unknown) {
      super();
    }
    override _construct(callback: (error: Error) => void): void {
      queueMicrotask(() => callback(noSuchFile("open", this.path)));
    }
  }
  return {
    ReadStream,
    WriteStream,
    createReadStream: (path: unknown) => new ReadStream(path),
    createWriteStream: (path: unknown) => new WriteStream(path),
  };
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
