/**
 * The work that chain benchmarks do: events of about 1.2 KB as posthog-js sends them, and plugins as people write them.
 * Used by ours and by the peers alike.
 * @module
 */

/**
 * CommonJS, so that every peer can run them as they are. Light, as most plugins are: what is measured is the way
 * between them. As plain function calls a chain of five does about 200,000 events a second on the machine that the
 * goals were set on.
 */
const PLUGINS = [
  // Adds a property, as the hello world plugin does.
  `module.exports = { processEvent(event, meta) {
     event.properties.greeting = meta.config.greeting; return event; } };`,
  // Takes the host out of the page's address.
  `module.exports = { processEvent(event) {
     const url = event.properties.$current_url;
     if (url) { const from = url.indexOf('//') + 2; event.properties.url_host = url.slice(from, url.indexOf('/', from)); }
     return event; } };`,
  // Leaves out a property.
  `module.exports = { processEvent(event) { delete event.properties.$window_id; return event; } };`,
  // Takes the timestamp apart.
  `module.exports = { async processEvent(event) {
     const date = new Date(event.timestamp); event.properties.hour = date.getUTCHours(); event.properties.weekday = date.getUTCDay(); return event; } };`,
  // Keeps events of interest.
  `module.exports = { processEvent(event) { return event.event === 'ignored' ? null : event; } };`,
];

/** Sources of a chain of `count` plugins. */
export function pluginSources(count: number): string[] {
  return Array.from({ length: count }, (_, index) => PLUGINS[index % PLUGINS.length] as string);
}

/** An event of about 1.2 KB, number `index` of a run, of one of 200 people; every tenth has more than ASCII in it. */
export function workloadEvent(index: number): Record<string, unknown> {
  const uuid = `0190c5d0-0000-7000-8000-${index.toString(16).padStart(12, "0")}`;
  return {
    uuid,
    event: "$pageview",
    distinct_id: `person-${index % 200}`,
    team_id: 1,
    ip: "203.0.113.7",
    site_url: null,
    now: "2026-01-20T12:00:00.000Z",
    sent_at: "2026-01-20T12:00:00.000Z",
    timestamp: "2026-01-20T11:59:59.500Z",
    properties: {
      $os: "Mac OS X",
      $os_version: "10.15.7",
      $browser: "Chrome",
      $browser_version: 127,
      $device_type: "Desktop",
      $current_url:
        `https://shop.example.com/products/${index}/details?utm_source=newsletter&utm_medium=email&ref=a1b2c3`,
      $host: "shop.example.com",
      $pathname: `/products/${index}/details`,
      $screen_height: 1117,
      $screen_width: 1728,
      $viewport_height: 992,
      $viewport_width: 1728,
      $lib: "web",
      $lib_version: "1.449.2",
      $insert_id: uuid.slice(-12),
      $session_id: "0190c5d0-aaaa-7000-8000-000000000001",
      $window_id: "0190c5d0-bbbb-7000-8000-000000000002",
      $referrer: "https://www.example.org/search?q=hogs",
      $referring_domain: "www.example.org",
      title: index % 10 === 0 ? "Ein schönes Produkt, auf Lager – Geschäft" : "A very fine product, in stock - Shop",
      price: 19.99,
      tags: ["garden", "tools", "sale"],
      cart: { items: 3, total: 59.97, currency: "EUR" },
      $set: { plan: "pro", email: "person@example.com" },
      $set_once: { $initial_referrer: "https://www.example.org/", $initial_utm_source: "newsletter" },
    },
  };
}
