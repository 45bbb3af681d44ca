/**
 * What is kept for the time when PostHog is away is given only to pages for which it was meant. PostHog's remote
 * configuration varies by Origin and Referer: a page that the project does not list records no sessions.
 */

import assert from "node:assert/strict";
import { proxyTo, standIn } from "../../kit/proxy_to.ts";

const setup = { sanitizeOps: false, sanitizeResources: false };
const CONFIG = "/array/phc_here/config";

/** A PostHog with this Vary header, which says who asked it, until it is away. */
function startPostHog(vary: string) {
  let isAway = false;
  const server = standIn(({ headers }) =>
    isAway ? new Response(null, { status: 503 }) : Response.json(
      { for: headers.get("origin") ?? headers.get("referer") ?? "anybody" },
      { headers: { vary } },
    )
  );
  return {
    host: server.host,
    leave: () => isAway = true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

type Proxy = Awaited<ReturnType<typeof proxyTo>>;

/** For whom the answer is that a page with these headers gets; its status if it gets none. */
async function get(proxy: Proxy, headers: HeadersInit): Promise<string | number> {
  const answer = await proxy.ask(CONFIG, { headers });
  if (answer.status === 200) return (await answer.json()).for;
  await answer.body?.cancel();
  return answer.status;
}

const SHOP = "https://shop.example";
const EVIL = "https://evil.example";

Deno.test("what varies by the page is kept for each page", setup, async () => {
  for (const vary of ["Origin", "Origin, Referer", "accept-encoding, ORIGIN"]) {
    await using posthog = startPostHog(vary);
    await using proxy = await proxyTo(posthog.host);
    for (const origin of [SHOP, EVIL]) await get(proxy, { origin });
    await get(proxy, {});
    posthog.leave();
    assert.equal(await get(proxy, { origin: SHOP }), SHOP, vary);
    assert.equal(await get(proxy, { origin: EVIL }), EVIL, vary);
    assert.equal(await get(proxy, {}), "anybody", vary);
    assert.equal(await get(proxy, { origin: "https://other.example" }), 503, vary);
  }
});

Deno.test("a script's page is known by its Referer, whichever page of the site it is", setup, async () => {
  await using posthog = startPostHog("Origin, Referer");
  await using proxy = await proxyTo(posthog.host);
  await get(proxy, { referer: `${SHOP}/cart?x=1` });
  posthog.leave();
  assert.equal(await get(proxy, { referer: `${SHOP}/` }), `${SHOP}/cart?x=1`);
  for (const referer of [`${EVIL}/`, `${EVIL}/${SHOP}/`, "https:shop.example/", `${SHOP}@evil.example/`, "shop"]) {
    assert.equal(await get(proxy, { referer }), 503, referer);
  }
});

Deno.test("what varies by nothing but the encoding is kept for everybody", setup, async () => {
  await using posthog = startPostHog("Accept-Encoding");
  await using proxy = await proxyTo(posthog.host);
  await get(proxy, { origin: SHOP });
  posthog.leave();
  assert.equal(await get(proxy, { origin: EVIL }), SHOP);
});

Deno.test("what varies by another header is for those alone who do not have it", setup, async () => {
  for (const vary of ["X-Group", "Origin, X-Group", "*", "x group"]) {
    await using posthog = startPostHog(vary);
    await using proxy = await proxyTo(posthog.host);
    await get(proxy, { origin: SHOP, "x-group": "a" });
    posthog.leave();
    assert.equal(await get(proxy, { origin: SHOP, "x-group": "a" }), 503, vary);
    assert.equal(await get(proxy, { origin: SHOP }), 503, vary);
  }
  await using posthog = startPostHog("X-Group");
  await using proxy = await proxyTo(posthog.host);
  await get(proxy, {});
  posthog.leave();
  assert.equal(await get(proxy, {}), "anybody");
  assert.equal(await get(proxy, { "x-group": "a" }), 503);
});

Deno.test("one answer is kept for a bounded number of pages", setup, async () => {
  await using posthog = startPostHog("Origin");
  await using proxy = await proxyTo(posthog.host);
  const pages = Array.from({ length: 100 }, (_, index) => `https://${index}.example`);
  for (const origin of [SHOP, ...pages, `https://${"x".repeat(1000)}.example`]) await get(proxy, { origin });
  posthog.leave();
  assert.equal(await get(proxy, { origin: SHOP }), SHOP, "who was there first is not pushed out");
  const answers = [];
  for (const origin of pages) answers.push(await get(proxy, { origin }));
  assert.equal(answers.filter((answer) => answer !== 503).length, 29);
});
