// The npm package `@openai/agents-realtime`, unmodified. It logs what it cannot read, and hands on as of no known type
// what its schemas refuse: neither may happen. RTPROTO_URL is the emulator's, such as ws://127.0.0.1:8080/v1/realtime.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";

import { silence, voice } from "./sounds.mjs";

const url = `${process.env.RTPROTO_URL}?model=gpt-realtime`;

const logged = [];
for (const level of ["error", "warn"]) console[level] = (...said) => logged.push(said);

const weather = tool({
  name: "get_weather",
  description: "Says the weather of a city.",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `It is sunny in ${city}.`,
});

class Talk {
  constructor(config) {
    const agent = new RealtimeAgent({ name: "assistant", instructions: "Be brief.", tools: [weather] });
    this.session = new RealtimeSession(agent, { model: "gpt-realtime", config });
    this.raw = [];
    this.heard = [];
    this.failure = null;
    this.interrupted = 0;
    this.wake = () => {};
    this.counts = {};
    const { transport } = this.session;
    transport.on("*", (event) => {
      this.raw.push(event);
      const [got] = (this.counts[event.type] ??= [0, 0]);
      if (got === 0) transport.on(event.type, () => this.counts[event.type][1]++);
      this.counts[event.type][0]++;
      setImmediate(() => this.wake());
    });
    this.session.on("audio", ({ data }) => this.heard.push(Buffer.from(data)));
    this.session.on("audio_interrupted", () => this.interrupted++);
    this.session.on("error", ({ error }) => {
      this.failure = error;
      this.wake();
    });
  }

  connect() {
    return this.session.connect({ apiKey: "x", url });
  }

  async until(done) {
    while (!done()) {
      if (this.failure) throw this.failure.error ?? this.failure;
      await new Promise((resolve) => (this.wake = resolve));
    }
  }

  count(type) {
    return this.raw.filter((event) => event.type === type).length;
  }

  answered(times = 1) {
    return this.until(() => this.count("response.done") === times);
  }

  // What was said last, as the package understands it.
  last() {
    return this.session.history.at(-1);
  }
}

const speak = (talk, pcm, options) => talk.session.sendAudio(new Uint8Array(pcm).buffer, options);

const TURNS = {
  "a written turn": [
    { outputModalities: ["text"] },
    async (talk) => {
      talk.session.sendMessage("hello");
      await talk.answered();
      assert.deepEqual(talk.last().content, [{ type: "output_text", text: "You wrote: hello" }]);
    },
  ],

  "a spoken turn": [
    { audio: { input: { turnDetection: { type: "server_vad", silenceDurationMs: 500 } } } },
    async (talk) => {
      speak(talk, Buffer.concat([silence(0.5), voice(1), silence(0.6)]));
      await talk.answered();
      await talk.until(() => talk.count("conversation.item.retrieved") === 1);
      const [question, answer] = talk.session.history;
      assert.equal(question.content[0].transcript, "(1.0 seconds of speech)");
      assert.equal(answer.content[0].transcript, "I heard 1.0 seconds of speech.");
      assert.deepEqual(Buffer.concat(talk.heard), Buffer.concat([silence(0.3), voice(1), silence(0.5)]));
    },
  ],

  "a spoken turn as the package configures it": [
    {},
    async (talk) => {
      speak(talk, Buffer.concat([silence(0.5), voice(1), silence(4.2)]));
      await talk.answered();
      assert.equal(talk.session.history.at(-1).content[0].transcript, "I heard 1.0 seconds of speech.");
    },
  ],

  "push to talk": [
    { audio: { input: { turnDetection: null } } },
    async (talk) => {
      speak(talk, voice(1), { commit: true });
      talk.session.transport.sendEvent({ type: "response.create" });
      await talk.answered();
      assert.deepEqual(Buffer.concat(talk.heard), voice(1));
    },
  ],

  "an interruption": [
    { audio: { input: { turnDetection: { type: "server_vad" } } } },
    async (talk) => {
      talk.session.sendMessage("tell me a story ".repeat(100));
      await talk.until(() => talk.heard.length > 0);
      speak(talk, Buffer.concat([silence(0.2), voice(0.5)]));
      await talk.answered();
      assert.equal(talk.interrupted, 1);
      assert.equal(talk.raw.find(({ type }) => type === "response.done").response.status_details.reason, "turn_detected");
      await talk.until(() => talk.count("conversation.item.truncated") === 1);
      await talk.until(() => talk.count("conversation.item.retrieved") === 1);
    },
  ],

  "a tool": [
    { outputModalities: ["text"], toolChoice: "required" },
    async (talk) => {
      talk.session.sendMessage("Paris");
      await talk.answered(2);
      const [, call, answer] = talk.session.history;
      assert.deepEqual([call.name, call.output], ["get_weather", "It is sunny in Paris."]);
      assert.equal(answer.content[0].text, "It is sunny in Paris.");
    },
  ],
};

describe("@openai/agents-realtime", { concurrency: true, timeout: 20_000 }, () => {
  for (const [turn, [config, script]] of Object.entries(TURNS)) {
    test(turn, async () => {
      const talk = new Talk(config);
      await talk.connect();
      await script(talk);
      talk.session.close();
      const unread = Object.entries(talk.counts).filter(([, [got, read]]) => got !== read);
      assert.deepEqual(unread, []);
      assert.deepEqual(logged, []);
    });
  }
});
