/// <reference lib="dom" />
/**
 * The operator's page: logs in, and shows the page that the address names.
 * @module
 */

import { type ComponentChild, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { logIn, logOut, type Session, SESSION_ENDED } from "./lib/api.ts";
import { closeLive, openLive } from "./lib/live.ts";
import { setRole, Waiting } from "./lib/parts.tsx";
import { RoleNotice } from "./lib/role_notice.tsx";
import { AlertBanner, Alerts } from "./pages/alerts/alerts.tsx";
import { AppPage } from "./pages/app/app.tsx";
import { Apps } from "./pages/apps.tsx";
import { DeadLetters } from "./pages/dead_letters.tsx";
import { Deliveries } from "./pages/deliveries.tsx";
import { Events } from "./pages/events.tsx";
import { Install } from "./pages/install.tsx";
import { Jobs } from "./pages/jobs.tsx";
import { Login } from "./pages/login.tsx";
import { Projects } from "./pages/projects/projects.tsx";
import { Settings } from "./pages/settings.tsx";

/** By the first part of the address after `#/`; `id` is the rest. */
const PAGES: Record<string, { title: string; show(id: string | undefined): ComponentChild }> = {
  apps: { title: "Apps", show: (id) => id === undefined ? <Apps /> : <AppPage key={id} id={id} /> },
  install: { title: "Install", show: () => <Install /> },
  projects: { title: "Projects", show: () => <Projects /> },
  events: { title: "Events", show: () => <Events /> },
  deliveries: { title: "Deliveries", show: () => <Deliveries /> },
  dead_letters: { title: "Dead letters", show: () => <DeadLetters /> },
  jobs: { title: "Jobs", show: () => <Jobs /> },
  alerts: { title: "Alerts", show: () => <Alerts /> },
  settings: { title: "Settings", show: () => <Settings /> },
};

function Root() {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [place, setPlace] = useState(location.hash);
  function enter(found: Session) {
    setRole(found.role);
    openLive();
    setSession(found);
  }
  function leave() {
    closeLive();
    setSession(null);
  }
  useEffect(() => {
    logIn().then(enter, leave);
    addEventListener("hashchange", () => setPlace(location.hash));
    addEventListener(SESSION_ENDED, leave);
  }, []);
  if (session === undefined) {
    return (
      <main>
        <Waiting error={null} />
      </main>
    );
  }
  if (session === null) return <Login onDone={enter} />;
  const [, asked = "", id] = place.split("?")[0]?.split("/") ?? [];
  const name = asked in PAGES ? asked : "apps";
  const page = PAGES[name];
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => skip(event)}>Skip to the page</a>
      <header>
        <strong>Hogpen</strong>
        <nav aria-label="Pages">
          {Object.entries(PAGES).map(([each, { title }]) => (
            <a key={each} href={`#/${each}`} {...(each === name && { "aria-current": "page" as const })}>{title}</a>
          ))}
        </nav>
        <span class="soft">{session.name}{session.role === "viewer" && ", may only look"}</span>
        <button type="button" onClick={() => logOut().finally(leave)}>Log out</button>
      </header>
      <AlertBanner />
      <RoleNotice />
      <main id="main" tabIndex={-1}>{page?.show(id === "" ? undefined : id)}</main>
    </>
  );
}

/** The address after `#` names the page, so this link may only move the focus. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const root = document.getElementById("app");
if (root) render(<Root />, root);
