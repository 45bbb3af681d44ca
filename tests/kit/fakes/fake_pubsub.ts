/**
 * A Pub/Sub server on loopback: topics and what is published to them, by gRPC.
 * @module
 */

import { Buffer } from "node:buffer";
import { createRequire } from "node:module";

export interface PublishedMessage {
  text: string;
  attributes: Record<string, string>;
}

export interface FakePubsub extends AsyncDisposable {
  /** `host:port`. */
  address: string;
  port: number;
  /** By full name. */
  topics: Map<string, PublishedMessage[]>;
}

/** What of protobufjs and grpc-js is used here; both come with the client package. */
interface Root {
  lookupType(name: string): { decode(bytes: Buffer): unknown; encode(value: unknown): { finish(): Uint8Array } };
}
interface Grpc {
  Server: new () => Server;
  ServerCredentials: { createInsecure(): unknown };
  status: { NOT_FOUND: number; ALREADY_EXISTS: number };
}
interface Server {
  addService(definition: Record<string, unknown>, handlers: Record<string, Handler>): void;
  bindAsync(address: string, credentials: unknown, done: (error: Error | null, port: number) => void): void;
  forceShutdown(): void;
}
type Handler = (call: { request: unknown }, answer: (error: unknown, value?: unknown) => void) => void;

const requireOf = createRequire(import.meta.resolve("@google-cloud/pubsub"));
const { grpc, protobuf } = requireOf("google-gax") as {
  grpc: Grpc;
  protobuf: { Root: { fromJSON(json: unknown): Root } };
};
const root = protobuf.Root.fromJSON(requireOf("../protos/protos.json"));

export async function startFakePubsub(): Promise<FakePubsub> {
  const topics = new Map<string, PublishedMessage[]>();
  let published = 0;
  const server = new grpc.Server();
  server.addService({
    getTopic: method("GetTopic", "GetTopicRequest", "Topic"),
    createTopic: method("CreateTopic", "Topic", "Topic"),
    publish: method("Publish", "PublishRequest", "PublishResponse"),
  }, {
    getTopic({ request }, answer) {
      const { topic } = request as { topic: string };
      if (topics.has(topic)) answer(null, { name: topic });
      else answer({ code: grpc.status.NOT_FOUND, details: `Resource not found (resource=${topic}).` });
    },
    createTopic({ request }, answer) {
      const { name } = request as { name: string };
      if (topics.has(name)) return answer({ code: grpc.status.ALREADY_EXISTS, details: "Topic already exists" });
      topics.set(name, []);
      answer(null, { name });
    },
    publish({ request }, answer) {
      const { topic, messages } = request as { topic: string; messages: { data: Uint8Array; attributes: object }[] };
      const to = topics.get(topic);
      if (to === undefined) return answer({ code: grpc.status.NOT_FOUND, details: "Topic not found" });
      for (const { data, attributes } of messages) {
        to.push({ text: Buffer.from(data).toString(), attributes: { ...attributes } });
      }
      answer(null, { messageIds: messages.map(() => `id-${++published}`) });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    port,
    topics,
    [Symbol.asyncDispose]() {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function method(name: string, request: string, response: string) {
  const [requestType, responseType] = [request, response].map((type) => root.lookupType(`google.pubsub.v1.${type}`));
  return {
    path: `/google.pubsub.v1.Publisher/${name}`,
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => requestType?.decode(bytes),
    responseSerialize: (value: unknown) => Buffer.from(responseType?.encode(value).finish() ?? []),
  };
}
