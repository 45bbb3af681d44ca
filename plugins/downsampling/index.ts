/**
 * Keeps a share of the events, chosen by user or at random.
 * @module
 */

import { createHash } from "crypto";
import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type Downsampling = {
  config: { percentage: string; samplingMethod: string; eventsToKeep: string };
  global: { share: number; keep: Set<string> };
};

export function setupPlugin({ config, global }: Meta<Downsampling>): void {
  const percentage = Number(config.percentage);
  if (config.percentage.trim() === "" || !(percentage >= 0 && percentage <= 100)) {
    throw new Error(`Cannot sample events: expected "Percentage to keep" from 0 to 100, got "${config.percentage}"`);
  }
  global.share = percentage / 100;
  global.keep = new Set((config.eventsToKeep ?? "").split(",").map((name) => name.trim()));
}

export function processEvent(event: PluginEvent, { config, global }: Meta<Downsampling>): PluginEvent | null {
  if (global.keep.has(event.event)) return event;
  const place = config.samplingMethod === "At random" ? Math.random() : placeOf(event.distinct_id);
  return place < global.share ? event : null;
}

/** A number from 0 up to 1 that is always the same for the same user, and spread evenly over users. */
function placeOf(distinctId: string): number {
  const digits = createHash("sha256").update(distinctId).digest("hex").slice(0, 13);
  return parseInt(digits, 16) / 2 ** 52;
}
