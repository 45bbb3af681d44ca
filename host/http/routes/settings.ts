/**
 * The settings with which the service runs.
 * @module
 */

import { z } from "zod";
import { type Route, route } from "../route.ts";
import { timeOut } from "../schemas.ts";

const settingOut = z.object({
  name: z.string(),
  env: z.string(),
  help: z.string(),
  value: z.unknown().describe("Null for a secret, whether it is set or not."),
  secret: z.boolean(),
  set: z.boolean().describe("Whether it differs from the default."),
});
export type ShownSetting = z.infer<typeof settingOut>;

export interface SettingRoutesOptions {
  version: string;
  settings: ShownSetting[];
  startedAt: number;
}

export function settingRoutes({ version, settings, startedAt }: SettingRoutesOptions): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/settings",
      summary: "Version, and the settings in force without secrets",
      response: z.object({ version: z.string(), started_at: timeOut, settings: z.array(settingOut) }),
      handle: () => Promise.resolve({ version, started_at: startedAt, settings }),
    }),
  ];
}
