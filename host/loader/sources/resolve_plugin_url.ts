/**
 * Determines which requests a plugin's URL on GitHub, GitLab or npm needs. Pure: it makes no request.
 * @module
 */

import { SourceError } from "./plugin_source.ts";

/** The addresses of the hosts, and the tokens for them. */
export interface RemoteHosts {
  github: string;
  githubApi: string;
  gitlab: string;
  npm: string;
  githubToken: string | null;
  gitlabToken: string | null;
  npmToken: string | null;
}

export const REMOTE_HOSTS: RemoteHosts = {
  github: "https://github.com",
  githubApi: "https://api.github.com",
  gitlab: "https://gitlab.com",
  npm: "https://registry.npmjs.org",
  githubToken: null,
  gitlabToken: null,
  npmToken: null,
};

export interface RemoteRequest {
  url: string;
  headers: Record<string, string>;
}

export interface RemotePlugin {
  /** The name of the repository or package. */
  label: string;
  /** The URL without its token, for messages. */
  shownUrl: string;
  /** The key of a download: the whole URL, so that a token opens only what it may. Never shown. */
  key: string;
  /** The tag, commit, branch or version in the URL; null means the latest. */
  ref: string | null;
  /** Whether the ref is a commit or an npm version, which never changes its meaning. */
  isPinned: boolean;
  /** The request for the latest version. */
  latest: RemoteRequest & { pick(json: unknown): string | undefined };
  /** The request for the archive of a tag, commit or version. */
  archive(ref: string): RemoteRequest;
}

const NAME = "[A-Za-z0-9_.-]+";
const GITHUB = new RegExp(
  `^https?://(?:www\\.)?github\\.com/(?<user>${NAME})/(?<repo>${NAME}?)(?:\\.git)?` +
    `(?:/(?:commit|tree|releases/tag)/(?<ref>[A-Za-z0-9_.\\-/@+]+?)|/archive/(?<archived>[A-Za-z0-9_.\\-/@+]+?)\\.(?:zip|tar\\.gz))?/?$`,
);
const GITLAB = new RegExp(
  `^https?://(?:www\\.)?gitlab\\.com/(?<project>${NAME}(?:/${NAME})+?)(?:\\.git)?(?:/-/[a-z_]+/(?<ref>[A-Za-z0-9_.\\-/@+]+?))?/?$`,
);
const NPM = new RegExp(
  `^https?://(?:www\\.)?npmjs\\.com/package/(?<name>(?:@${NAME}/)?${NAME})(?:/v/(?<ref>[A-Za-z0-9_.+-]+))?/?$`,
);

/** Parses the URL as PostHog did: GitHub first, then npm, then GitLab. Throws SourceError for any other address. */
export function resolvePluginUrl(url: string, hosts: RemoteHosts = REMOTE_HOSTS): RemotePlugin {
  const { address, token } = splitToken(url);
  const resolved = resolveGithub(address, token, hosts) ?? resolveNpm(address, token, hosts) ??
    resolveGitlab(address, token, hosts);
  if (resolved === null) {
    throw new SourceError(`Cannot use plugin ${address}: Must be a GitHub/GitLab repository or npm package URL!`);
  }
  return { ...resolved, shownUrl: address, key: url };
}

type Resolved = Omit<RemotePlugin, "shownUrl" | "key"> | null;

function resolveGithub(address: string, token: string | null, hosts: RemoteHosts): Resolved {
  const { user, repo, ref, archived } = GITHUB.exec(address)?.groups ?? {};
  if (!user || !repo) return null;
  const headers = authorization("token", token ?? hosts.githubToken);
  return {
    label: repo,
    ref: ref ?? archived ?? null,
    isPinned: isCommit(ref ?? archived),
    latest: {
      url: `${hosts.githubApi}/repos/${user}/${repo}/commits?per_page=1`,
      headers: { ...headers, accept: "application/vnd.github+json", "user-agent": "hogpen" },
      pick: (json) => textAt(json, [0, "sha"]),
    },
    archive: (ref) => ({ url: `${hosts.github}/${user}/${repo}/archive/${encodePath(ref)}.zip`, headers }),
  };
}

function resolveGitlab(address: string, token: string | null, hosts: RemoteHosts): Resolved {
  const { project, ref } = GITLAB.exec(address)?.groups ?? {};
  if (!project) return null;
  const headers = authorization("Bearer", token ?? hosts.gitlabToken);
  const api = `${hosts.gitlab}/api/v4/projects/${encodeURIComponent(project)}/repository`;
  return {
    label: project.slice(project.lastIndexOf("/") + 1),
    ref: ref ?? null,
    isPinned: isCommit(ref),
    latest: { url: `${api}/commits?per_page=1`, headers, pick: (json) => textAt(json, [0, "id"]) },
    archive: (ref) => ({ url: `${api}/archive.zip?sha=${encodeURIComponent(ref)}`, headers }),
  };
}

function resolveNpm(address: string, token: string | null, hosts: RemoteHosts): Resolved {
  const { name, ref } = NPM.exec(address)?.groups ?? {};
  if (!name) return null;
  const headers = authorization("Bearer", token ?? hosts.npmToken);
  const last = name.slice(name.lastIndexOf("/") + 1);
  return {
    label: name,
    ref: ref ?? null,
    isPinned: ref !== undefined,
    latest: { url: `${hosts.npm}/${name}/latest`, headers, pick: (json) => textAt(json, ["version"]) },
    archive: (ref) => ({ url: `${hosts.npm}/${name}/-/${last}-${encodeURIComponent(ref)}.tgz`, headers }),
  };
}

/** `?private_token=…` is the token; every other parameter is dropped. */
function splitToken(url: string): { address: string; token: string | null } {
  if (!URL.canParse(url)) return { address: url, token: null };
  const parsed = new URL(url);
  const token = parsed.searchParams.get("private_token");
  return { address: `${parsed.protocol}//${parsed.host}${decodeURI(parsed.pathname)}`, token: token || null };
}

function authorization(scheme: string, token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `${scheme} ${token}` };
}

function isCommit(ref: string | undefined): boolean {
  return ref !== undefined && /^[0-9a-f]{40}$/.test(ref);
}

function encodePath(ref: string): string {
  return ref.split("/").map(encodeURIComponent).join("/");
}

function textAt(json: unknown, path: (string | number)[]): string | undefined {
  const value = path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | null)?.[key], json);
  return typeof value === "string" && value !== "" ? value : undefined;
}
