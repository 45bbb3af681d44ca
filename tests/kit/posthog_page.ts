/**
 * Pages that use the real posthog-js, opened in headless Chromium.
 * @module
 */

import { openInChromium } from "./servers/chromium.ts";

/** Serves pages from an origin of their own. */
function servePages(pages: Record<string, string>): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    const page = pages[pathname];
    return new Response(page ?? "", {
      status: page ? 200 : 404,
      headers: { "content-type": "text/html; charset=utf-8" },
    });
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A page that starts posthog-js with these options, then runs the script. */
function page(host: string, token: string, options: Record<string, unknown>, script: string): string {
  // Headless browsers count as bots, and more than ten events a second as a mistake; what may be sent grows with time.
  const all = {
    api_host: host,
    opt_out_useragent_filter: true,
    rate_limiting: { events_per_second: 10_000 },
    request_queue_config: { flush_interval_ms: 250 },
    ...options,
  };
  return `<!doctype html><title>Test</title><body><button id="buy" class="big red">Buy</button>
<script src="${host}/static/array.js"></script>
<script>
posthog.init(${JSON.stringify(token)}, { ...${
    JSON.stringify(all)
  }, loaded(posthog) { setTimeout(() => { ${script} }, 200); } });
</script>`;
}

/**
 * Opens a page that loads posthog-js from the host, starts it with these options and then runs the script; it has a
 * button `#buy`, and `/next` to go to. The page comes from an origin of its own. It stays open until disposed.
 */
export async function openPostHogPage(
  host: string,
  token: string,
  options: Record<string, unknown>,
  script: string,
): Promise<AsyncDisposable> {
  const pages = servePages({
    "/": page(host, token, options, script),
    "/next": "<!doctype html><title>Next</title>",
  });
  const browser = await openInChromium(`${pages.url}/?utm_source=test`);
  return {
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await pages[Symbol.asyncDispose]();
    },
  };
}
