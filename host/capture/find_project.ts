/**
 * Finds the project that a request's token belongs to.
 * @module
 */

import { isRecord } from "../../runtime/is_record.ts";
import type { ProjectConfig } from "../config/config.ts";
import { unauthorized } from "./capture_error.ts";
import { invalidToken } from "./body/read_events.ts";
import { isSentEvents } from "./body/sent_events.ts";
import type { Payload } from "./body/read_payload.ts";

/** Who may send events, and for which project. */
export interface Projects {
  byToken(token: string): ProjectConfig | undefined;
  byId(id: number): ProjectConfig | undefined;
  /** True for the admin token, which may act for any project that a request names. */
  isPersonalKey(key: string): boolean;
}

/** The project of the token or, for a personal key, of the request's `project_id`. Throws 401 when there is none. */
export function findProject(projects: Projects, token: string, payload: Payload): ProjectConfig {
  const project = projects.byToken(token);
  if (project) return project;
  const projectId = readProjectId(payload);
  if (projectId === undefined) throw invalidToken();
  const named = projects.isPersonalKey(token) ? projects.byId(projectId) : undefined;
  if (!named) throw unauthorized("invalid_personal_api_key", "Invalid Personal API key.");
  return named;
}

function readProjectId({ data, query, form }: Payload): number | undefined {
  const [first] = isSentEvents(data) ? data : [data];
  const id = query.get("project_id") ?? form.get("project_id") ?? (isRecord(first) ? first.project_id : undefined);
  return typeof id === "number" || typeof id === "string" && id !== "" ? Number(id) : undefined;
}
