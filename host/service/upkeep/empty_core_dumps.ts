/**
 * Keeps what is in the service's memory, such as tokens and passwords, out of core dumps.
 * @module
 */

/**
 * Linux only. From now on a core dump of this process, or of one that it starts, contains no memory. Deno cannot set
 * the limit that would prevent the file altogether; cells get that limit from the shell that starts them. Does nothing
 * if /proc is not writable.
 */
export async function emptyCoreDumps(): Promise<void> {
  if (Deno.build.os !== "linux") return;
  await Deno.writeTextFile("/proc/self/coredump_filter", "0").catch(() => {});
}
