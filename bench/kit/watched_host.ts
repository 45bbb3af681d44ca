/**
 * The service as main.ts starts it, in a process that also looks at its own event loop: on SIGUSR2 it prints the
 * longest pause since the last time, in milliseconds, as a line `pause <count> <n>` on stdout.
 * @module
 */

const LOOK_MS = 5;

let last = performance.now();
let worst = 0;
let count = 0;
setInterval(() => {
  const now = performance.now();
  worst = Math.max(worst, now - last - LOOK_MS);
  last = now;
}, LOOK_MS);

Deno.addSignalListener("SIGUSR2", () => {
  console.log(`pause ${++count} ${worst.toFixed(1)}`);
  worst = 0;
});

await import("../../main.ts");
// The timer would keep the process alive.
Deno.exit();
