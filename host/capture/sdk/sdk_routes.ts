/**
 * All routes that SDKs use.
 * @module
 */

import { Hono } from "hono";
import { createUuidGenerator } from "../../../runtime/events/uuid.ts";
import { createByteGate } from "../body/byte_gate.ts";
import type { ConnectionInfo } from "../arrival.ts";
import { type CaptureOptions, createCapture } from "../capture.ts";
import { createCaptureV1 } from "../capture_v1.ts";
import { createEmptyAnswers } from "./empty_answers.ts";
import { createSdkConfig } from "./sdk_config.ts";
import { createSdkScript } from "./sdk_script.ts";

export type SdkRoutesOptions = Omit<CaptureOptions, "gate">;

/**
 * How many bytes of large requests are processed at a time, counted by the size to which they may expand. This is below
 * what the event log accepts while it waits for the disk, so that requests wait here instead of being refused there.
 */
const LARGE_REQUESTS_BYTES = 40 * 1024 * 1024;

/**
 * The old and new capture endpoints, those for flags, configuration and SDKs' other requests, and posthog-js itself.
 */
export function createSdkRoutes(given: SdkRoutesOptions): Hono<{ Bindings: ConnectionInfo }> {
  const options = { ...given, gate: createByteGate(LARGE_REQUESTS_BYTES) };
  const app = new Hono<{ Bindings: ConnectionInfo }>({ strict: false });
  app.route("/", createCapture(options));
  app.route("/", createCaptureV1(options));
  app.route("/", createSdkConfig({ projects: options.projects, newUuid: createUuidGenerator(options.now) }));
  app.route("/", createEmptyAnswers());
  app.route("/", createSdkScript());
  return app;
}
