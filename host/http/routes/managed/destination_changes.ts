/**
 * Creating, changing, testing and removing destinations.
 * @module
 */

import { z } from "zod";
import type { ProjectConfig } from "../../../config/config.ts";
import { describeDestination } from "../../../destinations/describe_destination.ts";
import { completeDestination, type DestinationValue, destinationValue } from "../../../managed/managed_values.ts";
import { conflict, invalidInput, notFound } from "../../api_error.ts";
import { hideDestination, hideEntry } from "../../hide_destination.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, idIn, listOf, pageIn, pageOf } from "../../schemas.ts";
import { keepSecrets } from "./dry_run.ts";
import {
  contextOf,
  type ManagedApi,
  requireDone,
  requireManagedDestination,
  unreadableDestination,
} from "./managed_api.ts";

const destinationOut = z.object({
  id: z.string(),
  team_id: z.number(),
  type: z.string(),
  enabled: z.boolean(),
  filter: z.unknown(),
  target: z.string().describe("Where events go, in words, without credentials."),
  options: z.record(z.string(), z.unknown()).nullable().describe("Secrets are replaced; null when the file has them."),
  managed_by: z.enum(["file", "api"]),
  version: z.number().nullable(),
});
const destinationIn = z.looseObject({
  id: z.string(),
  type: z.string(),
}).describe("As in the configuration file: id, type, enabled, filter and the options of the type.");

const params = { id: idIn };
const place = { id: idIn, destination: z.string() };
const errors = { 404: "No such project", 409: "It stands in the configuration file", 412: "Changed since it was read" };

export interface DestinationChangeRoutesOptions {
  projects: () => readonly ProjectConfig[];
  managed: ManagedApi;
  /** Sends one event to a destination without using its cursor. Rejects with the reason when it was not accepted. */
  testDestination(project: ProjectConfig, id: string): Promise<void>;
}

export function destinationChangeRoutes(
  { projects, managed, testDestination }: DestinationChangeRoutesOptions,
): Route[] {
  const { things } = managed;

  function findProject(id: number): ProjectConfig {
    const project = projects().find((project) => project.id === id);
    if (project === undefined) throw notFound(`There is no project ${id}`);
    return project;
  }

  function showDestination(project: ProjectConfig, id: string): z.infer<typeof destinationOut> {
    const config = project.destinations.find((destination) => destination.id === id);
    if (config === undefined) throw notFound(`There is no destination ${project.id}/${id}`);
    const own = things.current().destinations.get(`${project.id}/${id}`);
    return {
      ...describeDestination(config),
      team_id: project.id,
      options: own === undefined ? null : hideDestination(config.type, config.options),
      managed_by: own === undefined ? "file" : "api",
      version: own?.version ?? null,
    };
  }

  /** The given value, if it is valid together with what the project's upstream adds. */
  function checkDestination(given: DestinationValue, project: ProjectConfig): DestinationValue {
    try {
      completeDestination(given, project);
      return given;
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      const [issue] = error.issues;
      throw invalidInput(`${issue?.path.join(".")}: ${issue?.message}`, issue?.path.join(".") ?? null);
    }
  }

  async function save(teamId: number, entry: DestinationValue, before: unknown, context: Parameters<typeof contextOf>) {
    const outcome = await things.putDestination({ teamId, entry }, contextOf(...context));
    requireDone(outcome, `destination ${teamId}/${entry.id}`, () => before);
    await managed.apply();
    return showDestination(findProject(teamId), entry.id);
  }

  return [
    route({
      method: "GET",
      path: "/_hogpen/api/projects/{id}/destinations",
      summary: "Destinations of a project",
      params,
      query: pageIn(100),
      response: listOf(destinationOut),
      errors: { 404: errors[404] },
      handle({ params: { id }, query }) {
        const project = findProject(id);
        const { results, next } = pageOf(project.destinations, query);
        return Promise.resolve({ results: results.map((each) => showDestination(project, each.id)), next });
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/projects/{id}/destinations",
      summary: "Makes a destination",
      params,
      body: destinationIn,
      response: destinationOut,
      errors: { 400: "A value that will not do", 404: errors[404], 409: "There is one of this id" },
      audit: "self",
      version: ({ version }) => version ?? 0,
      async handle({ params: { id }, body, actor }) {
        const project = findProject(id);
        const entry = checkDestination(body, project);
        if (project.destinations.some((destination) => destination.id === entry.id)) {
          throw conflict(`Cannot make destination ${entry.id}: project ${id} has one of this id`);
        }
        return await save(id, entry, null, [actor, "create", 0, null, hideEntry(entry)]);
      },
    }),
    route({
      method: "PATCH",
      path: "/_hogpen/api/projects/{id}/destinations/{destination}",
      summary: "Changes a destination; what is left out stays",
      params: place,
      body: z.looseObject({}),
      response: destinationOut,
      errors: { 400: "A value that will not do", ...errors },
      audit: "self",
      version: ({ version }) => version ?? 0,
      async handle({ params: { id, destination }, body, actor, ifMatch }) {
        requireManagedDestination(managed, id, destination);
        const before = things.current().destinations.get(`${id}/${destination}`)?.value.entry;
        const project = findProject(id);
        const changed = { ...before, ...keepSecrets(body, { ...before }), id: destination };
        const entry = checkDestination(destinationValue.parse(changed), project);
        const shown = showDestination(project, destination);
        return await save(id, entry, shown, [actor, "change", ifMatch, before && hideEntry(before), hideEntry(entry)]);
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/projects/{id}/destinations/{destination}",
      summary: "Removes a destination; its place in the events goes with it",
      params: place,
      response: doneOut,
      errors,
      audit: "self",
      async handle({ params: { id, destination }, actor, ifMatch }) {
        const isReadable = unreadableDestination(managed, id, destination) === null;
        if (isReadable) requireManagedDestination(managed, id, destination);
        const shown = isReadable ? showDestination(findProject(id), destination) : null;
        const context = contextOf(actor, "delete", ifMatch, shown, null);
        const outcome = await things.remove("destination", `${id}/${destination}`, context);
        requireDone(outcome, `destination ${id}/${destination}`, () => shown);
        await managed.apply();
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/projects/{id}/destinations/{destination}/test",
      summary: "Sends one test event to a destination now, whatever its filter and its place in the log",
      params: place,
      response: z.object({ delivered: z.boolean(), detail: z.string().nullable() }),
      errors: { 404: "No such project or destination" },
      async handle({ params: { id, destination } }) {
        const project = findProject(id);
        showDestination(project, destination);
        try {
          await testDestination(project, destination);
          return { delivered: true, detail: null };
        } catch (error) {
          return { delivered: false, detail: error instanceof Error ? error.message : String(error) };
        }
      },
    }),
  ];
}
