/**
 * Marks the first event of each tracked name: of its user, and of all users.
 * @module
 */

import { createHash } from "crypto";
import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type FirstTimeEventTracker = { config: { events: string }; global: { events: Set<string> } };

/** Storage keeps keys of up to 200 characters. */
const LONGEST_KEY = 200;

export function setupPlugin({ config, global }: Meta<FirstTimeEventTracker>): void {
  const names = config.events.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.length === 0) throw new Error('Cannot track first events: "Events to track" names none');
  global.events = new Set(names);
}

export async function processEvent(event: PluginEvent, meta: Meta<FirstTimeEventTracker>): Promise<PluginEvent> {
  if (!meta.global.events.has(event.event)) return event;
  const [forUser, ever] = await Promise.all([
    isFirst(`user:${event.event}:${event.distinct_id}`, meta),
    isFirst(`ever:${event.event}`, meta),
  ]);
  event.properties = { ...event.properties, is_first_event_for_user: forUser, is_first_event_ever: ever };
  return event;
}

/**
 * Events of different users are processed at the same time: counting is atomic, reading and then writing would find two
 * first ones.
 */
async function isFirst(name: string, { storage, utils }: Meta<FirstTimeEventTracker>): Promise<boolean> {
  const key = name.length <= LONGEST_KEY ? name : createHash("sha256").update(name).digest("hex");
  if (await storage.get(key, null) !== null) return false;
  return await utils.cursor.increment(key, 1) === 1;
}
