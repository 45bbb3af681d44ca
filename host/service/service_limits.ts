/**
 * The limits of what plugins may ask of the host and of what clients may send, as the settings change them.
 * @module
 */

import { createRateLimits, type RateLimits } from "../capture/limits/rate_limits.ts";
import type { Settings } from "../config/settings.ts";
import { DEFAULT_SERVICE_LIMITS, type ServiceLimits } from "../services/limits/service_limits.ts";

export function serviceLimits(settings: Settings): ServiceLimits {
  return {
    ...DEFAULT_SERVICE_LIMITS,
    captureDepth: settings.captureDepth,
    capturesPerEvent: settings.capturesPerEvent,
    capturesWithoutCause: settings.capturesWithoutCause,
    capturesOfRuns: settings.capturesOfRuns,
    console: {
      ...DEFAULT_SERVICE_LIMITS.console,
      keepLines: settings.pluginLogLines,
      keepDays: settings.pluginLogDays,
    },
  };
}

/** There are none unless they are set. */
export function rateLimits(settings: Settings, now: () => number): RateLimits {
  return createRateLimits({
    project: { events: settings.projectEventsPerSecond, bytes: settings.projectBytesPerSecond },
    address: { events: settings.addressEventsPerSecond, bytes: settings.addressBytesPerSecond },
    burstSeconds: settings.burstSeconds,
    now,
  });
}
