/**
 * The host's side of `meta.jobs.<name>(payload).runNow/runIn/runAt`: each call stores one durable job. Units and dates
 * are handled by the sandbox.
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Jobs } from "../store/store.ts";
import { checkArguments, text } from "./check_arguments.ts";
import { ServiceLimitError } from "./limits/flood_guard.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { ServiceLimits } from "./limits/service_limits.ts";
import { requestId } from "./request_id.ts";
import type { PluginServices } from "./services.ts";

/** The attempts of a job that throws RetryError, with the waits of onEvent. */
const MAX_ATTEMPTS = 6;
/** How often at most, in milliseconds, the store is asked for the number of jobs. */
const COUNT_FOR_MS = 1000;
/** The largest time that a Date can hold, in milliseconds. */
const MAX_TIME = 8.64e15;

export function createJobServices(
  jobs: Pick<Jobs, "enqueue" | "outstanding">,
  { pluginConfigId, teamId }: PluginIdentity,
  limits: ServiceLimits,
  now: () => number,
): Pick<PluginServices, "jobs.enqueue"> {
  const schema = z.tuple([
    text("the job's name", limits.jobNameChars).min(1, "expected the job's name"),
    z.unknown(),
    z.number("expected the time to run at, in milliseconds").min(-MAX_TIME).max(
      MAX_TIME,
      "expected a time within a Date's range",
    ),
  ]);
  let counted = { at: -Infinity, jobs: 0, bytes: 0 };

  const lacksRoom = (bytes: number) =>
    counted.jobs >= limits.jobsOutstanding || counted.bytes + bytes > limits.jobsOutstandingBytes;

  async function requireRoom(bytes: number): Promise<void> {
    const time = now();
    if (time - counted.at > COUNT_FOR_MS || lacksRoom(bytes)) {
      counted = { at: time, ...await jobs.outstanding(pluginConfigId) };
    }
    if (lacksRoom(bytes)) {
      throw new ServiceLimitError(
        `Cannot enqueue a job with ${bytes} bytes: ${counted.jobs} of this plugin wait already, with ${counted.bytes}. ` +
          `At most ${limits.jobsOutstanding} with ${limits.jobsOutstandingBytes} bytes may wait`,
      );
    }
    counted.jobs++;
    counted.bytes += bytes;
  }

  return {
    async "jobs.enqueue"(args, cause) {
      // JSON has no undefined: a job without payload arrives as null in the list of arguments.
      const [type, payload, runAt] = checkArguments("jobs.enqueue", schema, args);
      const request = requestId(cause, ["job", pluginConfigId, type, payload]);
      const json = JSON.stringify(payload) ?? "";
      const size = json.length;
      if (size > limits.jobPayloadChars) {
        throw new RangeError(
          `Cannot enqueue the job ${type}: its payload has ${size} characters, at most ${limits.jobPayloadChars} are kept`,
        );
      }
      await requireRoom(Buffer.byteLength(json));
      // A job caused by a captured event adds one to the chain when it enqueues another; otherwise the chain could go
      // on forever.
      const depth = cause.kind === "job" && cause.depth > 0 ? cause.depth + 1 : cause.depth;
      await jobs.enqueue({
        kind: "plugin",
        pluginConfigId,
        teamId,
        type,
        payload,
        runAt: Math.trunc(runAt),
        attempt: 1,
        maxAttempts: MAX_ATTEMPTS,
        ...(depth > 0 && { depth }),
        ...(request !== undefined && { request }),
      });
    },
  };
}
