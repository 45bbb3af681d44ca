/**
 * Gets packages that are not there yet, in the locked versions and with their checksums, into the project's
 * `node_modules`. Everything that is there already stays: an installation names the union, since Deno unlinks what it
 * is not told of. Nothing here imports a package, for this runs before there is any.
 * @module
 */

import { startConnectProxy } from "./connect_proxy.ts";
import { cutLock, type Lock } from "./cut_lock.ts";
import { installedPackages, isOutdated, missingPackages, noteLock, ownPackages } from "./package_files.ts";
import { type PackageFolder, readUnfinished, wantedPackage, writeUnfinished } from "./package_files.ts";
import { describeSize, sizeOf } from "./package_sizes.ts";
import { showProgress } from "./progress.ts";

export interface GetOptions {
  /** Who needs them, as in "for plugins", where they are named. */
  purpose?: string;
  /** Where there are too many to name. Default: "what the service needs". */
  what?: string;
  /** Told once, before anything is fetched. Default: standard error. */
  onNotice?(line: string): void;
  /** Ends the installer. */
  signal?: AbortSignal;
  /** Added to the installer's environment. */
  env?: Record<string, string>;
  /** Default: the project's own. */
  folder?: PackageFolder;
}

/** Why packages could not be had, in words for the operator; `reason` is the part that does not name them. */
export class PackageError extends Error {
  override name = "PackageError";
  constructor(what: string, readonly reason: string, options?: ErrorOptions) {
    super(`Cannot get ${what}: ${reason}`, options);
  }
}

const SERVICE = "what the service needs";

/** Its configuration lies in the project's folder because Deno makes `node_modules` beside it. */
const CONFIG = ".hogpen_packages.json";
const LOCK = "node_modules/.hogpen_packages.lock";
const TURN = "node_modules/.hogpen_turn";

/**
 * Resolves when they are there; at once when they were. What deno.lock has changed below packages that are there is
 * brought in as well, as far as it can be had. Rejects with PackageError.
 */
export async function getPackages(names: readonly string[], options: GetOptions = {}): Promise<void> {
  // An executable carries all of them.
  if (Deno.build.standalone) return;
  const { folder = ownPackages(), signal } = options;
  if (missingPackages(folder, names).length === 0 && !isOutdated(folder)) return;
  try {
    await Deno.mkdir(`${folder.root}node_modules`, { recursive: true });
    using turn = await Deno.open(`${folder.root}${TURN}`, { create: true, write: true });
    await turn.lock(true);
    // Another process may have got them meanwhile.
    const missing = missingPackages(folder, names);
    if (missing.length > 0 || isOutdated(folder)) await install(folder, missing, options);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (missingPackages(folder, names).length === 0) return;
    throw new PackageError(
      options.purpose === undefined ? options.what ?? SERVICE : names.join(", "),
      error instanceof Error ? error.message : String(error),
      { cause: error },
    );
  }
}

async function install(folder: PackageFolder, missing: string[], options: GetOptions): Promise<void> {
  const path = (name: string) => `${folder.root}${name}`;
  const lockText = await Deno.readTextFile(path("deno.lock"));
  const locked: Lock = JSON.parse(lockText);
  const present = installedPackages(folder);
  const lockFor = (names: readonly string[]) => cutLock(locked, names.map((name) => wantedPackage(folder, name)));
  const before = lockFor(present);
  const names = [...new Set([...present, ...missing])];
  const lock = lockFor(names);
  const config = {
    nodeModulesDir: "auto",
    lock: { path: LOCK, frozen: true },
    imports: Object.fromEntries(names.map((name) => [name, folder.imports[name]])),
  };
  if (missing.length > 0) announce(folder, missing, added(before, lock), options);

  const unfinished = readUnfinished(folder).filter((name) => !missing.includes(name));
  writeUnfinished(folder, [...unfinished, ...missing]);
  await Deno.writeTextFile(path(LOCK), JSON.stringify(lock));
  await Deno.writeTextFile(path(CONFIG), JSON.stringify(config));
  try {
    using _progress = showProgress(path("node_modules/.deno"), Object.keys(lock.npm).length);
    await runDeno(folder.root, options);
    writeUnfinished(folder, unfinished);
    noteLock(folder, lockText);
  } finally {
    await Deno.remove(path(CONFIG)).catch(() => {});
  }
}

function announce(folder: PackageFolder, missing: string[], news: Lock, options: GetOptions): void {
  const { purpose, what = SERVICE, onNotice = print } = options;
  const names = new Set(missing.map((name) => wantedPackage(folder, name).name));
  const size = describeSize(sizeOf(news));
  onNotice(
    purpose === undefined
      ? `Getting ${what}, once (${Object.keys(news.npm).length} packages, ${size}) …`
      : `Getting ${[...names].join(", ")} ${purpose}, once (${size}) …`,
  );
}

function added(before: Lock, after: Lock): Lock {
  const npm = Object.fromEntries(Object.entries(after.npm).filter(([key]) => before.npm[key] === undefined));
  return { ...after, npm };
}

function print(line: string): void {
  console.error(line);
}

async function runDeno(root: string, { signal, env: given }: GetOptions): Promise<void> {
  const env = { ...Deno.env.toObject(), ...given };
  const hasProxy = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
    .some((name) => env[name]);
  await using proxy = hasProxy ? null : startConnectProxy();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--config", CONFIG],
    cwd: root,
    env: { NO_COLOR: "1", ...(proxy === null ? {} : { HTTPS_PROXY: proxy.url }), ...given },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    ...(signal === undefined ? {} : { signal }),
  }).output();
  if (!success) throw new Error(proxy?.trouble ?? reasonIn(new TextDecoder().decode(stderr)));
}

/** The error and what caused it, in a line. */
function reasonIn(stderr: string): string {
  const [said = ""] = stderr.replace(/^error: /, "").split(/\n\s*Stack backtrace/);
  const lines = said.split("\n").map((line) => line.trim().replace(/^\d+: /, ""));
  const words = lines.filter((line) => line !== "" && line !== "Caused by:").slice(0, 3).join(": ");
  return words || "the installer said nothing";
}
