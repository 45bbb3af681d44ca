/**
 * `migrate`: moves the event log of the data folder to Kafka. Meanwhile the process listens and takes in events as the
 * service does, and it continues to do so afterwards, so that the next host can be started without a gap.
 * @module
 */

import { UsageError } from "../config/read_settings.ts";
import type { Service } from "../service/service.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { terminal } from "./program/terminal.ts";
import { runService } from "./start.ts";

export interface MigrateOptions {
  to: string;
  /** End the process when everything has been moved. */
  exit?: boolean;
}

/** Ends the process. Throws a UsageError. */
export async function migrate({ to, exit = false }: MigrateOptions, given: GivenSettings): Promise<void> {
  const { settings } = given;
  if (to !== "kafka") throw new UsageError([`--to: found ${JSON.stringify(to)}, expected kafka`]);
  if (settings.kafka === null) {
    throw new UsageError(["HOGPEN_KAFKA: found none, expected the brokers to which the event log is moved"]);
  }
  // Nothing is processed until everything has been moved, because new events would otherwise overtake old ones.
  await runService({ ...given, settings: { ...settings, hostRole: "intake" } }, {
    moving: true,
    meanwhile: (service) => whenMoved(service, exit),
  });
  Deno.exit();
}

async function whenMoved(service: Service, exit: boolean): Promise<string> {
  const moved = await service.moved;
  if (moved !== null) {
    const { inbox, outbox, consumers } = moved;
    terminal.print(
      `Everything is in Kafka: ${inbox} events that were not processed yet, ${outbox} that were not delivered to ` +
        `everybody, the places of ${consumers} consumers`,
    );
  }
  if (exit) return "Moved";
  terminal.print("Events that come are stored in Kafka. Start hosts with HOGPEN_KAFKA now, then end this process");
  return await new Promise<never>(() => {});
}
