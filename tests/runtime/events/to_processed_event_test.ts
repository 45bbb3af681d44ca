/** Proves that an event has, for the functions that run after the chain, the shape that PostHog gave it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseElementsChain } from "../../../runtime/events/elements_chain.ts";
import type { OutboxEvent } from "../../../runtime/events/event.ts";
import { toProcessedEvent } from "../../../runtime/events/to_processed_event.ts";

function outboxEvent(properties: Record<string, unknown>): OutboxEvent {
  return {
    uuid: "017d37c1-f285-0000-0e8b-e02d131925dc",
    event: "$autocapture",
    distinct_id: "d",
    team_id: 1,
    ip: "1.2.3.4",
    site_url: null,
    now: "2021-10-29T01:00:00.000Z",
    timestamp: "2021-10-29T00:50:00.000Z",
    properties,
    extra: 1,
  };
}

Deno.test("toProcessedEvent() has the fields that onEvent knows, and no others", () => {
  const properties = { a: 1, $set: { b: 2 }, $set_once: { c: 3 } };
  assert.deepEqual(toProcessedEvent(outboxEvent(properties)), {
    uuid: "017d37c1-f285-0000-0e8b-e02d131925dc",
    event: "$autocapture",
    distinct_id: "d",
    team_id: 1,
    ip: "1.2.3.4",
    properties,
    timestamp: "2021-10-29T00:50:00.000Z",
    $set: { b: 2 },
    $set_once: { c: 3 },
    elements: [],
  });
});
Deno.test("toProcessedEvent() takes $elements out of the properties", () => {
  const $elements = [
    {
      tag_name: "a",
      $el_text: "💻",
      attr__href: "/x",
      attr__class: "big red",
      attr__id: "i",
      nth_child: 1,
      nth_of_type: 2,
    },
    { tag_name: "body" },
    null,
  ];
  const event = outboxEvent({ $elements, a: 1 });
  const processed = toProcessedEvent(event);
  assert.deepEqual(processed.properties, { a: 1 });
  assert.deepEqual(processed.elements, [
    {
      text: "💻",
      tag_name: "a",
      href: "/x",
      attr_id: "i",
      attr_class: ["big", "red"],
      nth_child: 1,
      nth_of_type: 2,
      attributes: { attr__href: "/x", attr__class: "big red", attr__id: "i" },
      order: 0,
    },
    { tag_name: "body", attributes: {}, order: 1 },
  ]);
  assert.deepEqual(event.properties.$elements, $elements);
});
Deno.test("toProcessedEvent() reads $elements_chain, and leaves it among the properties", () => {
  const chain =
    'a.big.md:flex:attr__href="/x;y"attr_id="i"href="/x;y"nth-child="1"nth-of-type="2"text="say \\"hi\\";"' +
    ";div.wide;body:";
  const processed = toProcessedEvent(outboxEvent({ $elements_chain: chain }));
  assert.deepEqual(processed.elements, [
    {
      tag_name: "a",
      attr_class: ["big", "md:flex"],
      attr_id: "i",
      href: "/x;y",
      nth_child: 1,
      nth_of_type: 2,
      text: 'say "hi";',
      attributes: { attr__href: "/x;y" },
      order: 0,
    },
    { tag_name: "div", attr_class: ["wide"], attributes: {}, order: 1 },
    { tag_name: "body", attributes: {}, order: 2 },
  ]);
  assert.equal(processed.properties.$elements_chain, chain);
});
Deno.test("parseElementsChain() ends for every text, and makes no more elements than it has semicolons", () => {
  const text = fc.string({ unit: fc.constantFrom("a", ".", ":", "=", '"', "\\", ";", " ", "_") });
  fc.assert(fc.property(text, (chain) => {
    assert.ok(parseElementsChain(chain).length <= chain.split(";").length);
  }));
  assert.deepEqual(parseElementsChain('a:__proto__="x"')[0]?.attributes, JSON.parse('{"__proto__": "x"}'));
});
