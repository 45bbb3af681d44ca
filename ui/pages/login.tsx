/// <reference lib="dom" />
/**
 * Asks for a token.
 * @module
 */

import { useState } from "preact/hooks";
import { logIn, type Session } from "../lib/api.ts";

export function Login({ onDone }: { onDone(session: Session): void }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");
  async function submit(event: Event) {
    event.preventDefault();
    try {
      onDone(await logIn(token.trim()));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }
  return (
    <main class="login">
      <h1>Log in to Hogpen</h1>
      <form class="card" onSubmit={submit}>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <p class="soft">
          The admin token lies in the file <code>admin_token</code> of the data folder.
        </p>
        {problem && <p role="alert" class="bad">{problem}</p>}
        <button type="submit" class="main">Log in</button>
      </form>
    </main>
  );
}
