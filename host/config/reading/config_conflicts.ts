/**
 * Checks what must be unique in hogpen.json: ids, tokens, and cells that belong to one project.
 * @module
 */

import { z } from "zod";
import { showPath } from "../describe_issues.ts";

/** Parses only what can conflict and refuses nothing: other problems of the file are listed next to these. */
const name = z.union([z.string(), z.number()]).optional().catch(undefined);
const list = <Item extends z.ZodType>(item: Item) => z.array(item).catch([]);
const looseSchema = z.object({
  projects: list(
    z.object({
      id: name,
      token: name,
      plugins: list(z.object({ id: name, cell: name }).catch({})),
      destinations: list(z.object({ id: name }).catch({})),
    }).catch({ plugins: [], destinations: [] }),
  ),
}).catch({ projects: [] });

type Path = (string | number)[];

/** One line for every value that occurs twice but must be unique. */
export function findConflicts(file: unknown): string[] {
  const problems: string[] = [];
  const unique = (what: (value: string) => string) => {
    const seen = new Map<string | number, string>();
    return (value: string | number | undefined, path: Path) => {
      if (value === undefined) return;
      const owner = seen.get(value);
      if (owner === undefined) seen.set(value, showPath(path.slice(0, -1)));
      else {problems.push(
          `${showPath(path)}: found ${what(JSON.stringify(value))} of ${owner}, expected one of its own`,
        );}
    };
  };
  const [projectId, pluginId] = [unique((id) => `${id}, the id`), unique((id) => `${id}, the id`)];
  const token = unique(() => "the token");
  const cells = new Map<string | number, number>();
  looseSchema.parse(file).projects.forEach((project, p) => {
    projectId(project.id, ["projects", p, "id"]);
    token(project.token, ["projects", p, "token"]);
    const destinationId = unique((id) => `${id}, the id`);
    project.destinations.forEach(({ id }, d) => destinationId(id, ["projects", p, "destinations", d, "id"]));
    project.plugins.forEach(({ id, cell }, i) => {
      pluginId(id, ["projects", p, "plugins", i, "id"]);
      if (cell === undefined) return;
      const owner = cells.get(cell) ?? p;
      cells.set(cell, owner);
      if (owner === p) return;
      const path = showPath(["projects", p, "plugins", i, "cell"]);
      problems.push(`${path}: found a cell of projects[${owner}], expected one of this project`);
    });
  });
  return problems;
}
