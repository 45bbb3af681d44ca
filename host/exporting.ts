/**
 * Whether Deno exports what the process does to a collector of OpenTelemetry: it reads the variable at its start.
 * @module
 */

export function isExporting(): boolean {
  return /^(?:true|1)$/.test(Deno.env.get("OTEL_DENO") ?? "");
}
