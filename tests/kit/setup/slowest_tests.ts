/**
 * The tests that took longest, from the report that Deno writes.
 * @module
 */

const SHOWN = 20;

/** A line each, the slowest first: seconds, file, name. `report` is JUnit's XML. */
export function slowestTests(report: string): string[] {
  const tests = Array.from(report.matchAll(/<testcase ([^>]*)>/g), ([, attributes = ""]) => ({
    name: attributeOf(attributes, "name"),
    file: attributeOf(attributes, "classname").replace(/^\.\//, ""),
    seconds: Number(attributeOf(attributes, "time")),
  }));
  return tests.sort((a, b) => b.seconds - a.seconds).slice(0, SHOWN)
    .map(({ name, file, seconds }) => `${seconds.toFixed(1).padStart(6)} s  ${file}: ${name}`);
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function attributeOf(attributes: string, name: string): string {
  const [, value = ""] = new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes) ?? [];
  return value.replaceAll(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
    (whole, decimal, hex, word) =>
      word !== undefined ? ENTITIES[word] ?? whole : String.fromCodePoint(parseInt(decimal ?? hex, hex ? 16 : 10)),
  );
}
