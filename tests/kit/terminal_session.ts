/**
 * A program in a pseudo-terminal, as a person at a keyboard has it.
 * @module
 */

import { eventually } from "./eventually.ts";

export interface TerminalSession extends AsyncDisposable {
  /** What it printed so far, without colours and carriage returns. */
  output(): string;
  /** With the colours. */
  raw(): string;
  /** Types the text. */
  type(text: string): Promise<void>;
  /** Resolves when the output has the text after `from`. */
  waitFor(text: string, from?: number): Promise<void>;
  status: Promise<Deno.CommandStatus>;
}

/**
 * Starts the command under `script` of util-linux. `exec` keeps the shell from staying between: some shells get the
 * Ctrl+C as well, and then answer 130 whatever the command's own status was.
 */
export function openTerminal(command: string, options: { cwd: string; env: Record<string, string> }): TerminalSession {
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--flush", "--command", `exec ${command}`, "/dev/null"],
    ...options,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let raw = "";
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) raw += text;
  })();
  const keyboard = child.stdin.getWriter();
  // deno-lint-ignore no-control-regex -- escape sequences begin with one
  const output = () => raw.replaceAll(/\x1b\[[\d;?]*[A-Za-z]/g, "").replaceAll("\r", "");
  return {
    output,
    raw: () => raw,
    type: (text) => keyboard.write(new TextEncoder().encode(text)),
    async waitFor(text, from = 0) {
      await eventually(`the terminal shows ${text}`, () => output().includes(text, from) || null);
    },
    status: child.status,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
      await reading;
      await keyboard.close().catch(() => {});
    },
  };
}
