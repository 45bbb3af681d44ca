/// <reference lib="dom" />
/**
 * Shows Markdown that an app's author wrote, reduced to text and links. Nothing in it runs or is loaded from elsewhere.
 * @module
 */

import { useEffect, useRef } from "preact/hooks";

/** Shows the source text until it has been parsed. `id` is for those that are described by it. */
export function Markdown({ text, id }: { text: string; id?: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let over = false;
    // Loaded on demand, because few apps have any Markdown. Without `allowDangerousHtml`, HTML and script URLs are
    // shown as text.
    import("micromark").then(({ micromark }) => {
      if (over || place.current === null) return;
      place.current.replaceChildren(...harmless(micromark(text)));
    });
    return () => {
      over = true;
    };
  }, [text]);
  return <div ref={place} class="markdown soft" {...(id !== undefined && { id })}>{text}</div>;
}

function harmless(html: string): NodeListOf<ChildNode> {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  for (const link of body.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  // An image would be loaded from wherever its author chose.
  for (const image of body.querySelectorAll("img")) image.replaceWith(image.alt);
  return body.childNodes;
}
