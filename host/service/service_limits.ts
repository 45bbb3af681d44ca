/**
 * The bounds of what plugins may ask of the host, with what the settings change of them.
 * @module
 */

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
