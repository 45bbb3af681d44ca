/**
 * Metrics of the disk space that the service uses, and of what is left.
 * @module
 */

import { statfs } from "node:fs/promises";
import { Gauge, type Registry } from "prom-client";
import type { EventLog } from "../log/event_log.ts";

export interface Disk {
  log: Pick<EventLog, "size">;
  dataFolder: string;
}

/**
 * Adds gauges whose values are read at the time of a scrape. Those of the event log are left out if it is not on this
 * disk.
 */
export function observeDisk({ log, dataFolder }: Disk, registry: Registry): void {
  if (log.size() !== null) {
    bytesGauge("hogpen_log_used_bytes", "What the event log takes of the disk", () => log.size()?.used);
    bytesGauge("hogpen_log_max_bytes", "Where the event log refuses further events", () => log.size()?.max);
  }
  new Gauge({
    name: "hogpen_log_damaged_records",
    help: "Records of the event log that were found not to be what was written, since the start",
    registers: [registry],
    collect() {
      this.set(log.size()?.damaged ?? 0);
    },
  });
  bytesGauge("hogpen_data_disk_free_bytes", "What is free on the disk of the data folder", async () => {
    const { bavail, bsize } = await statfs(dataFolder);
    return bavail * bsize;
  });

  function bytesGauge(name: string, help: string, read: () => number | undefined | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await read() ?? 0);
      },
    });
  }
}
