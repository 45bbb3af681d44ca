/// <reference lib="dom" />
/**
 * The page of the operator: who is logged in, and which page the address asks for.
 * @module
 */

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { logIn, logOut, type Session } from "./api.ts";
import { AppPage } from "./pages/app.tsx";
import { Apps } from "./pages/apps.tsx";
import { Deliveries } from "./pages/deliveries.tsx";
import { Events } from "./pages/events.tsx";
import { Login } from "./pages/login.tsx";
import { Waiting } from "./parts.tsx";

function Root() {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [place, setPlace] = useState(location.hash);
  useEffect(() => {
    logIn().then(setSession, () => setSession(null));
    addEventListener("hashchange", () => setPlace(location.hash));
  }, []);
  if (session === undefined) {
    return (
      <main>
        <Waiting error={null} />
      </main>
    );
  }
  if (session === null) return <Login onDone={setSession} />;
  const [, page = "apps", id] = place.split("/");
  const current = (name: string) => page === name ? { "aria-current": "page" as const } : {};
  return (
    <>
      <header>
        <strong>Hogpen</strong>
        <nav aria-label="Pages">
          <a href="#/apps" {...current("apps")}>Apps</a>
          <a href="#/events" {...current("events")}>Events</a>
          <a href="#/deliveries" {...current("deliveries")}>Deliveries</a>
        </nav>
        <button type="button" onClick={() => logOut().finally(() => setSession(null))}>Log out</button>
      </header>
      <main>
        {page === "events" ? <Events /> : page === "deliveries" ? <Deliveries /> : id ? <AppPage id={id} /> : <Apps />}
      </main>
    </>
  );
}

const root = document.getElementById("app");
if (root) render(<Root />, root);
