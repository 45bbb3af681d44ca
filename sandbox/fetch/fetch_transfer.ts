/**
 * One request on its way: what ends it early, and in which words the plugin hears of it.
 * @module
 */

import { Buffer, clearTimeout, setTimeout } from "../walls/capture.ts";
import { currentCause } from "../events/cause.ts";
import { getDeadlineMs } from "../events/deadline.ts";
import { type Arriving, collect } from "./fetch_body.ts";
import { AbortError, asFetchError, FetchError } from "./fetch_error.ts";
import type { FetchRequest } from "./fetch_request.ts";
import { UNREAD_LOOK_MS } from "./http_transport.ts";

/** Part of a plugin's deadline that a request may take, so that the function still has time to report what failed. */
const DEADLINE_SHARE = 0.8;

/** A request from its sending to the end of its answer. */
export interface Transfer {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Waits for the status and headers. */
  awaitAnswer(answer: Promise<Response>): Promise<Response>;
  /** Waits for the rest. */
  awaitBody<T>(body: Promise<T>): Promise<T>;
  /** The error of a body that broke off. */
  bodyError(error: unknown): unknown;
  /** Ends the request when the call that made it is over and nobody needs its body. */
  abandonUnless(isNeeded: () => boolean): void;
  /** Called when nothing can end the request early any more. */
  end(): void;
}

/** Watches the request's signal and the clock. */
export function openTransfer(request: FetchRequest): Transfer {
  const { url, signal: userSignal } = request;
  const timeoutMs = request.timeout > 0 ? request.timeout : getDeadlineMs() * DEADLINE_SHARE;
  const controller = new AbortController();
  const cause = currentCause();
  let reason: Error | undefined;

  function stop(why: Error): void {
    reason ??= why;
    controller.abort(reason);
  }
  function abort(): void {
    stop(new AbortError("The user aborted a request."));
  }
  if (userSignal?.aborted) abort();
  else userSignal?.addEventListener("abort", abort);

  function end(): void {
    userSignal?.removeEventListener("abort", abort);
  }

  async function within<T>(work: Promise<T>, timeoutError: FetchError, read: (error: unknown) => unknown): Promise<T> {
    const timer = setTimeout(() => stop(timeoutError), timeoutMs);
    try {
      return await work;
    } catch (error) {
      end();
      throw reason ?? read(error);
    } finally {
      clearTimeout(timer);
    }
  }

  function bodyError(error: unknown): unknown {
    if (reason !== undefined) return reason;
    if (!(error instanceof TypeError)) return error;
    const broken = /decod|decompress|corrupt|gzip|deflate/i.test(error.message);
    const words = broken ? error.message : "Premature close";
    const code = broken ? "Z_DATA_ERROR" : "ERR_STREAM_PREMATURE_CLOSE";
    return new FetchError(`Invalid response body while trying to fetch ${url}: ${words}`, "system", { code });
  }

  return {
    url,
    signal: controller.signal,
    awaitAnswer: (answer) =>
      within(
        answer,
        new FetchError(`network timeout at: ${url}`, "request-timeout"),
        (error) => asFetchError(url, error),
      ),
    async awaitBody(body) {
      const words = `Response timeout while trying to fetch ${url} (over ${timeoutMs}ms)`;
      const read = await within(body, new FetchError(words, "body-timeout"), bodyError);
      end();
      return read;
    },
    bodyError,
    abandonUnless: function look(isNeeded) {
      // Code outside of any call may keep a body for as long as it likes.
      if (cause === undefined) return;
      setTimeout(() => {
        if (isNeeded()) return;
        if (cause.over) stop(new Error("Nobody reads it"));
        else look(isNeeded);
      }, UNREAD_LOOK_MS);
    },
    end,
  };
}

/** The body of an answer. */
export function arrivingFrom(answer: Response, transfer: Transfer): Arriving {
  const { all, chunks, tee } = readFrom(answer, transfer);
  if (answer.body === null) return { all, chunks, tee };
  let isNeeded = false;
  const need = () => {
    isNeeded = true;
  };
  transfer.abandonUnless(() => isNeeded);
  return {
    all: (maxBytes) => (need(), all(maxBytes)),
    chunks: () => (need(), chunks()),
    tee: () => (need(), tee()),
  };
}

function readFrom(answer: Response, transfer: Transfer): Arriving {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer.body ?? []) yield chunk;
    } catch (error) {
      throw transfer.bodyError(error);
    } finally {
      transfer.end();
    }
  }
  return {
    all(maxBytes) {
      const read = maxBytes > 0
        ? collect(chunks(), maxBytes, transfer.url)
        : answer.arrayBuffer().then((bytes) => Buffer.from(bytes));
      return transfer.awaitBody(read);
    },
    chunks,
    tee: () => [readFrom(answer.clone(), transfer), readFrom(answer, transfer)],
  };
}
