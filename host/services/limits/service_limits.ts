/**
 * The limits on what one plugin may ask of the host. They keep a plugin from filling the host's disk, memory or event
 * loop.
 *
 * A call beyond a rate waits for its turn, so a plugin that exceeds it becomes slow, not wrong. A call is refused when
 * it would have to wait longer than `maxWaitMs`, when too many calls are waiting already, or when it is too large.
 * Console lines beyond their rate are left out. When a limit applies, the plugin's log gets one SYSTEM line, at most
 * once a minute for each limit.
 * @module
 */

export interface RateLimits {
  /** Calls per second on average, and in a burst. */
  callsPerSecond: number;
  callsBurst: number;
  /** Characters of arguments per second on average, and in a burst. */
  charsPerSecond: number;
  charsBurst: number;
  /** Calls without an answer yet. */
  outstanding: number;
}

export interface ConsoleLimits {
  linesPerSecond: number;
  linesBurst: number;
  charsPerSecond: number;
  charsBurst: number;
  /** Longer messages are cut and end in a note that says so. */
  messageChars: number;
  /** Waiting to be written, of all plugins together. */
  waitingLines: number;
  waitingChars: number;
  /** Kept in the store for each plugin config. */
  keepLines: number;
  keepDays: number;
}

/** Services that share one allowance. */
export type ServiceGroup = "cache" | "storage" | "jobs" | "geoip" | "metrics" | "posthog.capture" | "posthog.api";

export interface ServiceLimits {
  rates: Record<ServiceGroup, RateLimits>;
  maxWaitMs: number;
  cacheKeyChars: number;
  cacheValueChars: number;
  /** Elements of one list. */
  cacheListElements: number;
  cacheElementChars: number;
  /** Characters in one answer of lrange or lpop. */
  cacheAnswerChars: number;
  storageKeyChars: number;
  storageValueChars: number;
  /** Characters of keys and values of one plugin config. */
  storageChars: number;
  jobNameChars: number;
  jobPayloadChars: number;
  /** Waiting and running jobs of one plugin config, and the bytes of their payloads. */
  jobsOutstanding: number;
  jobsOutstandingBytes: number;
  eventNameChars: number;
  eventChars: number;
  /** `posthog.capture` calls caused by one event. */
  capturesPerEvent: number;
  /**
   * Captures per hour, and in a burst, of one plugin config outside of any event, job or task: by loops at the top of a
   * module, or in setupPlugin.
   */
  capturesWithoutCause: number;
  /** Captures per hour, and in a burst, of one plugin config in its jobs and scheduled tasks. */
  capturesOfRuns: number;
  /** The most captures between an SDK's event and the last event of a chain of captures. */
  captureDepth: number;
  apiRequestChars: number;
  apiResponseBytes: number;
  apiTimeoutMs: number;
  console: ConsoleLimits;
}

const MIB = 1024 * 1024;

/** The values that README and docs state; a setting replaces single entries. */
export const DEFAULT_SERVICE_LIMITS: ServiceLimits = {
  rates: {
    cache: {
      callsPerSecond: 5000,
      callsBurst: 20_000,
      charsPerSecond: 10 * MIB,
      charsBurst: 32 * MIB,
      outstanding: 1000,
    },
    storage: {
      callsPerSecond: 1000,
      callsBurst: 5000,
      charsPerSecond: 1 * MIB,
      charsBurst: 32 * MIB,
      outstanding: 1000,
    },
    jobs: { callsPerSecond: 100, callsBurst: 1000, charsPerSecond: 1 * MIB, charsBurst: 32 * MIB, outstanding: 1000 },
    geoip: { callsPerSecond: 10_000, callsBurst: 20_000, charsPerSecond: MIB, charsBurst: MIB, outstanding: 1000 },
    metrics: { callsPerSecond: 10_000, callsBurst: 20_000, charsPerSecond: MIB, charsBurst: MIB, outstanding: 1000 },
    "posthog.capture": {
      callsPerSecond: 500,
      callsBurst: 5000,
      charsPerSecond: 4 * MIB,
      charsBurst: 32 * MIB,
      outstanding: 1000,
    },
    "posthog.api": { callsPerSecond: 10, callsBurst: 50, charsPerSecond: MIB, charsBurst: 16 * MIB, outstanding: 50 },
  },
  maxWaitMs: 10_000,
  cacheKeyChars: 2000,
  cacheValueChars: MIB,
  cacheListElements: 100_000,
  cacheElementChars: 64 * 1024,
  cacheAnswerChars: 2 * MIB,
  storageKeyChars: 200,
  storageValueChars: MIB,
  storageChars: 1024 * MIB,
  jobNameChars: 200,
  jobPayloadChars: 4 * MIB,
  jobsOutstanding: 10_000,
  jobsOutstandingBytes: 1024 * MIB,
  eventNameChars: 200,
  eventChars: MIB,
  capturesPerEvent: 100,
  capturesWithoutCause: 100,
  capturesOfRuns: 100_000,
  captureDepth: 5,
  apiRequestChars: 4 * MIB,
  apiResponseBytes: 4 * MIB,
  apiTimeoutMs: 20_000,
  console: {
    linesPerSecond: 100,
    linesBurst: 1000,
    charsPerSecond: MIB,
    charsBurst: 8 * MIB,
    messageChars: 50_000,
    waitingLines: 10_000,
    waitingChars: 32 * MIB,
    keepLines: 10_000,
    keepDays: 7,
  },
};
