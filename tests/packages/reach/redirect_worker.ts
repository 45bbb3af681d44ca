/**
 * Has the cell start the Worker that knows what is forbidden instead of the sandbox's own. Import this before the cell.
 * @module
 */

const RealWorker = Worker;

globalThis.Worker = class extends RealWorker {
  constructor(_specifier: string | URL, options?: WorkerOptions) {
    super(new URL("./worker.ts", import.meta.url), options);
  }
};
