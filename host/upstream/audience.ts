/**
 * Whom a kept answer may be given to, by its Vary header. PostHog's remote configuration varies by the page that asks:
 * a page whose address the project does not list gets none for session replay.
 * @module
 */

/** The audience of an answer that does not depend on the page. */
export const ANY_PAGE = "";

/** The headers that name the page that asks. */
const OF_PAGE: readonly string[] = ["origin", "referer"];
/** A page is part of a key that is held in memory. */
const MOST_PAGE_LENGTH = 500;
const NAME = /^[\w!#$%&'+.^`|~-]+$/;

/**
 * ANY_PAGE, or the page to which alone the answer to this request may be given. Null if nobody else may get it, since
 * it depends on another header that the request has.
 */
export function audienceOf(answer: Headers, request: Request): string | null {
  const names = (answer.get("vary") ?? "").split(",").map((name) => name.trim().toLowerCase()).filter((name) =>
    name !== "" && name !== "accept-encoding"
  );
  if (names.some((name) => !NAME.test(name) || !OF_PAGE.includes(name) && request.headers.has(name))) return null;
  if (!names.some((name) => OF_PAGE.includes(name))) return ANY_PAGE;
  const page = pageOf(request);
  return page.length > MOST_PAGE_LENGTH ? null : page;
}

/**
 * The site of the page that asks. It is not brought into any normal form: what PostHog reads as two sites must stay
 * two. The rest of Referer is left out, because browsers tell it to the page's own site alone.
 */
export function pageOf({ headers }: Request): string {
  const referer = headers.get("referer") ?? "";
  return `${headers.get("origin") ?? ""} ${/^[^/?#]*\/\/[^/?#]*/.exec(referer)?.[0] ?? referer}`;
}
