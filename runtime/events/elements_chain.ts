/**
 * `$elements_chain`: the elements from the clicked one up to the document as a single text, which newer versions of
 * posthog-js send.
 *
 *     button.primary.wide:attr__type="submit"nth-child="1"text="Send \"now\"";form:attr_id="f"
 * @module
 */

import type { Element } from "./event.ts";

/** The start of the attributes. Class names may contain a colon too. */
const ATTRIBUTES = /:(?=[\w-]*=")/y;

/** The elements in the order of the chain. Anything that does not have this form is skipped. */
export function parseElementsChain(chain: string): Element[] {
  const elements: Element[] = [];
  let at = 0;
  while (at < chain.length) {
    const head = endOfHead(chain, at);
    const element: Element = { attributes: {}, order: elements.length };
    const [tag, ...classes] = chain.slice(at, head).trim().replace(/:$/, "").split(".");
    if (tag) element.tag_name = tag;
    const names = classes.filter((name) => name !== "");
    if (names.length > 0) element.attr_class = names;
    at = chain[head] === ":" ? readAttributes(chain, head + 1, element) : head;
    if (tag || names.length > 0 || Object.keys(element.attributes ?? {}).length > 0) elements.push(element);
    at++;
  }
  return elements;
}

/** The index of the colon before the attributes, or of the semicolon after an element without attributes. */
function endOfHead(chain: string, from: number): number {
  for (let i = from; i < chain.length; i++) {
    if (chain[i] === ";") return i;
    ATTRIBUTES.lastIndex = i;
    if (chain[i] === ":" && ATTRIBUTES.test(chain)) return i;
  }
  return chain.length;
}

/** Reads a series of `name="value"` into the element; returns the index of the semicolon that ends it. */
function readAttributes(chain: string, from: number, element: Element): number {
  let at = from;
  while (at < chain.length && chain[at] !== ";") {
    const quote = chain.indexOf('="', at);
    if (quote < 0) return chain.length;
    const end = endOfValue(chain, quote + 2);
    setAttribute(element, chain.slice(at, quote).trim(), chain.slice(quote + 2, end).replaceAll('\\"', '"'));
    at = end + 1;
  }
  return at;
}

function endOfValue(chain: string, from: number): number {
  for (let i = from; i < chain.length; i++) {
    if (chain[i] === "\\") i++;
    else if (chain[i] === '"') return i;
  }
  return chain.length;
}

function setAttribute(element: Element, name: string, value: string): void {
  switch (name) {
    case "text":
      element.text = value;
      break;
    case "href":
      element.href = value;
      break;
    case "attr_id":
      element.attr_id = value;
      break;
    case "nth-child":
      element.nth_child = parseInt(value);
      break;
    case "nth-of-type":
      element.nth_of_type = parseInt(value);
      break;
    case "":
      break;
    default:
      // Uses defineProperty because the page chooses the name, which may be __proto__.
      Object.defineProperty(element.attributes ??= {}, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
}
