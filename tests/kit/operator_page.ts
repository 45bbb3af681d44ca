/**
 * The operator's page in a real Chromium, over a whole service.
 * @module
 */

import { type Browser, chromium, type Page } from "playwright-core";
import { findChromium } from "./servers/chromium.ts";
import { ADMIN_TOKEN, type RunningService } from "./service.ts";

/** Chromium and its pipes belong to playwright, which lets go of some a moment after its browser is closed. */
export const BROWSER_TEST = { sanitizeOps: false, sanitizeResources: false };

export interface OperatorPage extends AsyncDisposable {
  page: Page;
  /** Errors of the page, and requests to anywhere but the service. */
  wrong: string[];
  /** Opens a page of the interface by what follows `#/`. */
  open(place: string): Promise<void>;
}

export interface OperatorPageOptions {
  token?: string;
  colorScheme?: "light" | "dark";
  width?: number;
  /** Used and left open; by default the page has a browser of its own. */
  browser?: Browser;
}

/** Close it, or declare it with `await using`. */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: await findChromium(), args: ["--no-sandbox"] });
}

/** Logged in, at the list of apps. */
export async function openOperatorPage(
  service: RunningService,
  options: OperatorPageOptions = {},
): Promise<OperatorPage> {
  const { token = ADMIN_TOKEN, colorScheme = "light", width = 1280 } = options;
  const browser = options.browser ?? await launchBrowser();
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(service.url) && !request.url().startsWith("data:")) wrong.push(request.url());
  });
  await page.goto(`${service.url}/_hogpen/`);
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Apps" }).waitFor();
  return {
    page,
    wrong,
    async open(place) {
      await page.goto("about:blank");
      await page.goto(`${service.url}/_hogpen/#/${place}`);
      await page.locator("main h1").waitFor();
    },
    [Symbol.asyncDispose]: () => options.browser === undefined ? browser.close() : page.context().close(),
  };
}
