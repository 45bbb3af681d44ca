/**
 * Keeps what is in the service's memory, such as tokens and passwords, out of core dumps.
 * @module
 */

/**
 * Linux only: from now on a core dump of this process, or of one that it starts, has no memory in it. There is no call for the limit that
 * would leave the file out altogether; cells get that from the shell that starts them. Does nothing where /proc cannot be written to.
 */
export async function emptyCoreDumps(): Promise<void> {
  if (Deno.build.os !== "linux") return;
  await Deno.writeTextFile("/proc/self/coredump_filter", "0").catch(() => {});
}
