/**
 * Has the cell start a Worker that knows what is forbidden instead of the sandbox's own. Import this before the cell.
 * @module
 */

const RealWorker = Worker;
const { worker } = JSON.parse(Deno.args.at(-1) ?? "{}") as { worker: string };

globalThis.Worker = class extends RealWorker {
  constructor(_specifier: string | URL, options?: WorkerOptions) {
    super(new URL(worker, "file://"), options);
  }
};
