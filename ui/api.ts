/// <reference lib="dom" />
/**
 * Requests of the page to the service.
 * @module
 */

/** What the session may do, and what changes must send along. */
export interface Session {
  name: string;
  role: "admin" | "viewer";
  csrf_token: string | null;
}

/** An answer that is no success. */
export class RequestError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** The page may lie below a path of its site. */
const API = `${location.pathname.replace(/\/_hogpen.*$/, "")}/_hogpen/api/`;

let csrf: string | null = null;

/** Rejects with RequestError. `version` is what is to be changed, for If-Match. */
export async function call<T>(method: string, path: string, body?: unknown, version?: number | null): Promise<T> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (csrf !== null) headers["x-csrf-token"] = csrf;
  if (version != null) headers["if-match"] = `"${version}"`;
  const response = await fetch(`${API}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new RequestError(response.status, answer.detail ?? response.statusText);
  return answer;
}

/** With a token, begins a session; without, finds the one of the cookie. */
export async function logIn(token?: string): Promise<Session> {
  const session = await call<Session>(token === undefined ? "GET" : "POST", "session", token && { token });
  csrf = session.csrf_token;
  return session;
}

/** Takes the cookie back. */
export async function logOut(): Promise<void> {
  await call("DELETE", "session");
  csrf = null;
}
