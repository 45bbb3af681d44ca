/**
 * Where deno keeps what it has compiled and downloaded.
 * @module
 */

/** Deno would look for it in the home folder, which the empty environment of a child process does not name. */
export function denoDir(): string {
  const { DENO_DIR, XDG_CACHE_HOME, HOME } = Deno.env.toObject();
  if (DENO_DIR !== undefined) return DENO_DIR;
  if (XDG_CACHE_HOME !== undefined) return `${XDG_CACHE_HOME}/deno`;
  return Deno.build.os === "darwin" ? `${HOME}/Library/Caches/deno` : `${HOME}/.cache/deno`;
}
