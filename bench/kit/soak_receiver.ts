/**
 * What exporters of the soak talk to, as servers outside do: small and large answers, late ones, errors, and streams
 * that do not end.
 * @module
 */

export interface SoakReceiver extends AsyncDisposable {
  url: string;
  /** Requests so far, by path. */
  readonly requests: ReadonlyMap<string, number>;
}

const LARGE = "x".repeat(1024 * 1024);
const LATE_MS = 2_000;

export function startSoakReceiver(): SoakReceiver {
  const requests = new Map<string, number>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    requests.set(pathname, (requests.get(pathname) ?? 0) + 1);
    await request.body?.cancel();
    if (pathname === "/large") return new Response(LARGE);
    if (pathname === "/error") return new Response("no", { status: 500 });
    if (pathname === "/stream") return new Response(endless());
    if (pathname === "/late") await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    return Response.json({ status: 1 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function endless(): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(new TextEncoder().encode("more\n")), 100);
    },
    cancel: () => clearInterval(timer),
  });
}
