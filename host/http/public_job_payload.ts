/**
 * Checks the payload for starting a public job, with PostHog's messages.
 * @module
 */

import { isRecord } from "../../runtime/is_record.ts";
import type { PublicJob } from "../loader/plugin.ts";
import { invalidInput } from "./api_error.ts";

/** The job's declaration. Throws when the plugin has no such public job, or its code does not export it. */
export function findPublicJob(publicJobs: Record<string, PublicJob>, exported: string[], name: string): PublicJob {
  if (Object.keys(publicJobs).length === 0) throw invalidInput("Plugin has no public jobs", "job");
  const job = Object.hasOwn(publicJobs, name) && exported.includes(name) ? publicJobs[name] : undefined;
  if (!job) throw invalidInput(`Unknown plugin job: '${name}'`, "job");
  return job;
}

/** Throws unless the payload has exactly the fields that the job declares. */
export function checkJobPayload(job: PublicJob, payload: Record<string, unknown>): void {
  for (const [name, field] of Object.entries(job.payload)) {
    const value = payload[name];
    const given = Object.hasOwn(payload, name) && value !== undefined && value !== null;
    if (!given && field.required) throw invalidInput(`Missing required job field: ${name}`, name);
    if (given && !fits(value, field.type)) {
      throw invalidInput(`Wrong type of job field: ${name} must be a ${field.type}`, name);
    }
  }
  for (const name of Object.keys(payload)) {
    if (!Object.hasOwn(job.payload, name)) throw invalidInput(`Unknown field for job: ${name}`, name);
  }
}

function fits(value: unknown, type: string): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    case "date":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    case "daterange":
      return Array.isArray(value) || isRecord(value);
    default:
      // A json field takes any value, or text that the plugin parses itself.
      return true;
  }
}
