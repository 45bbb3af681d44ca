/**
 * How far plugins are behind what came in.
 * @module
 */

import type { EventLog, Lag } from "../log/event_log.ts";
import { ROUTER } from "./router.ts";

/** Of the project's events on this host, those that have not passed its plugins. */
export async function routerLag(log: Pick<EventLog, "cursor" | "lag">, project: number): Promise<Lag> {
  return await log.lag("inbox", project, await log.cursor("inbox", project, ROUTER));
}
