/**
 * How far an installation is, on a terminal only: a line that is written over and goes when it is done.
 * @module
 */

const EVERY_MS = 200;

/** Counts the folders of packages. Without effect where standard error is no terminal. */
export function showProgress(folder: string, total: number): Disposable {
  if (!Deno.stderr.isTerminal()) return { [Symbol.dispose]: () => {} };
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  const timer = setInterval(() => write(`\r${count(folder)} of ${total} packages`), EVERY_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      write("\r\x1b[K");
    },
  };
}

function count(folder: string): number {
  try {
    return [...Deno.readDirSync(folder)].filter(({ name, isDirectory }) => isDirectory && name.includes("@")).length;
  } catch {
    return 0;
  }
}
