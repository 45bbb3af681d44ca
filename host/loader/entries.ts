/**
 * Files that a plugin may start from elsewhere, or that exist only after a build.
 * @module
 */

/** Entries that PostHog ran in the browsers of visitors and in its own interface. */
export const BROWSER_ENTRIES = ["site.ts", "site.js", "web.ts", "frontend.tsx", "frontend.js"];

/** Whether the path lies in a folder of build output. */
export function isBuildOutput(path: string | undefined): boolean {
  return path !== undefined && /^(?:dist|build|lib|out)\//.test(path);
}
