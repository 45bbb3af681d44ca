/// <reference lib="dom" />
/**
 * Markdown that an app's author wrote: text and links, and nothing that runs or is fetched from elsewhere.
 * @module
 */

import { useEffect, useRef } from "preact/hooks";

/** Shown as it is written until it has been read. */
export function Markdown({ text }: { text: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let over = false;
    // Few apps have any. Without `allowDangerousHtml` its HTML and its addresses of scripts come out as text.
    import("micromark").then(({ micromark }) => {
      if (over || place.current === null) return;
      place.current.replaceChildren(...harmless(micromark(text)));
    });
    return () => {
      over = true;
    };
  }, [text]);
  return <div ref={place} class="markdown soft">{text}</div>;
}

function harmless(html: string): NodeListOf<ChildNode> {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  for (const link of body.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  // A picture would be fetched from where its author says.
  for (const image of body.querySelectorAll("img")) image.replaceWith(image.alt);
  return body.childNodes;
}
