/// <reference lib="dom" />
/**
 * Sends the page's requests to the service.
 * @module
 */

/** What the session may do, and what requests that change something must include. */
export interface Session {
  name: string;
  role: "admin" | "viewer";
  csrf_token: string | null;
}

/** An answer other than success. */
export class RequestError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Whether a change was refused because somebody else changed the same thing first. */
export function isStale(error: unknown): boolean {
  return error instanceof RequestError && error.status === 412;
}

/** The message of whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The page's site may serve it under a path. */
export const API = `${location.pathname.replace(/\/_hogpen.*$/, "")}/_hogpen/api/`;

/** Dispatched on `window` when the session has ended, because it timed out or was revoked. */
export const SESSION_ENDED = "hogpen-session-ended";

let csrf: string | null = null;

/** Rejects with a RequestError. `version` is the version that the change expects, for If-Match. */
export async function call<T>(method: string, path: string, body?: unknown, version?: number | null): Promise<T> {
  return await send<T>(method, path, {
    headers: { "content-type": "application/json", ...(version != null && { "if-match": `"${version}"` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** Sends a file unchanged. Rejects with a RequestError. */
export async function upload<T>(method: string, path: string, file: Blob): Promise<T> {
  return await send<T>(method, path, {
    headers: { "content-type": file.type || "application/octet-stream" },
    body: file,
  });
}

async function send<T>(method: string, path: string, init: { headers: Record<string, string>; body?: BodyInit }) {
  const headers = { ...init.headers, ...(csrf !== null && { "x-csrf-token": csrf }) };
  const response = await fetch(`${API}${path}`, { ...init, method, headers });
  const answer = await response.json();
  if (response.ok) return answer as T;
  if (response.status === 401 && csrf !== null) dispatchEvent(new Event(SESSION_ENDED));
  throw new RequestError(response.status, answer.detail ?? response.statusText);
}

/** With a token, starts a session. Without one, resumes the session of the cookie. */
export async function logIn(token?: string): Promise<Session> {
  const session = await call<Session>(token === undefined ? "GET" : "POST", "session", token && { token });
  csrf = session.csrf_token;
  return session;
}

/** Ends the session and removes the cookie. */
export async function logOut(): Promise<void> {
  await call("DELETE", "session");
  csrf = null;
}

/** The same request as a shell command, with the token in a variable. */
export function asCurl(method: string, path: string, body?: unknown): string {
  const data = body === undefined
    ? ""
    : ` \\\n  -H 'content-type: application/json' -d '${JSON.stringify(body).replaceAll("'", `'\\''`)}'`;
  return `curl -X ${method} ${location.origin}${API}${path} \\\n  -H "authorization: Bearer $HOGPEN_TOKEN"${data}`;
}
