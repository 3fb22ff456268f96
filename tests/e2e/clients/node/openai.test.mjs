// The npm package `openai`, unmodified: both of its Realtime clients, and both with its Azure class.
// RTPROTO_URL is the emulator's, such as ws://127.0.0.1:8080/v1/realtime.
import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";

import OpenAI, { AzureOpenAI } from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

import { silence, voice } from "./sounds.mjs";

const url = new URL(process.env.RTPROTO_URL);
const PUSH_TO_TALK = { audio: { input: { turn_detection: null } } };

// These clients always say wss. One takes options for its socket, the other takes the runtime's WebSocket.
const PLAIN = { createConnection: ({ host, port }) => net.connect({ host, port }) };
const NativeWebSocket = globalThis.WebSocket;
globalThis.WebSocket = class extends NativeWebSocket {
  constructor(address, ...rest) {
    super(String(address).replace("wss:", "ws:"), ...rest);
  }
};

const openai = new OpenAI({ apiKey: "x", baseURL: `http://${url.host}/v1` });
const azure = new AzureOpenAI({ apiKey: "x", apiVersion: "2025-08-28", endpoint: `http://${url.host}` });
const CLIENTS = {
  OpenAIRealtimeWS: async () => new OpenAIRealtimeWS({ model: "gpt-realtime", options: PLAIN }, openai),
  OpenAIRealtimeWebSocket: async () => new OpenAIRealtimeWebSocket({ model: "gpt-realtime" }, openai),
  "OpenAIRealtimeWS.azure": () => OpenAIRealtimeWS.azure(azure, { deploymentName: "gpt-realtime", options: PLAIN }),
  "OpenAIRealtimeWebSocket.azure": () => OpenAIRealtimeWebSocket.azure(azure, { deploymentName: "gpt-realtime" }),
};

class Talk {
  constructor(rt) {
    this.rt = rt;
    this.seen = [];
    this.failure = null;
    this.wake = () => {};
    rt.on("event", (event) => {
      this.seen.push(event);
      this.wake();
    });
    rt.on("error", (error) => {
      this.failure = error;
      this.wake();
    });
  }

  async until(type) {
    for (;;) {
      if (this.failure) throw this.failure;
      const at = this.seen.findIndex((event) => event.type === type);
      if (at >= 0) return this.seen.splice(0, at + 1);
      await new Promise((resolve) => (this.wake = resolve));
    }
  }

  update(session) {
    this.rt.send({ type: "session.update", session: { type: "realtime", ...session } });
  }

  write(text) {
    const item = { type: "message", role: "user", content: [{ type: "input_text", text }] };
    this.rt.send({ type: "conversation.item.create", item });
    this.rt.send({ type: "response.create" });
  }

  speak(pcm) {
    this.rt.send({ type: "input_audio_buffer.append", audio: pcm.toString("base64") });
  }
}

const heard = (seen) =>
  Buffer.concat(
    seen.filter(({ type }) => type === "response.output_audio.delta").map(({ delta }) => Buffer.from(delta, "base64")),
  );

const TURNS = {
  async "a written turn"(talk) {
    talk.update({ output_modalities: ["text"] });
    talk.write("hello");
    const { response } = (await talk.until("response.done")).at(-1);
    assert.equal(response.status, "completed");
    assert.equal(response.output[0].content[0].text, "You wrote: hello");
  },

  async "a spoken turn"(talk) {
    talk.update({ audio: { input: { transcription: { model: "whisper-1" } } } });
    talk.speak(Buffer.concat([silence(0.5), voice(1), silence(0.6)]));
    const seen = await talk.until("response.done");
    const words = seen.find(({ type }) => type === "conversation.item.input_audio_transcription.completed");
    assert.equal(words.transcript, "(1.0 seconds of speech)");
    assert.deepEqual(heard(seen), Buffer.concat([silence(0.3), voice(1), silence(0.5)]));
  },

  async "push to talk"(talk) {
    talk.update(PUSH_TO_TALK);
    talk.speak(voice(1));
    talk.rt.send({ type: "input_audio_buffer.commit" });
    talk.rt.send({ type: "response.create" });
    assert.deepEqual(heard(await talk.until("response.done")), voice(1));
  },

  async "an interruption"(talk) {
    talk.write("tell me a story ".repeat(100));
    await talk.until("response.output_audio.delta");
    talk.speak(Buffer.concat([silence(0.2), voice(0.5)]));
    const { response } = (await talk.until("response.done")).at(-1);
    assert.equal(response.status_details.reason, "turn_detected");
    const item_id = response.output[0].id;
    talk.rt.send({ type: "conversation.item.truncate", item_id, content_index: 0, audio_end_ms: 50 });
    assert.equal((await talk.until("conversation.item.truncated")).at(-1).audio_end_ms, 50);
  },

  async "a tool"(talk) {
    const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const tools = [{ type: "function", name: "get_weather", parameters }];
    talk.update({ output_modalities: ["text"], tools, tool_choice: "required" });
    talk.write("Paris");
    const [call] = (await talk.until("response.done")).at(-1).response.output;
    assert.deepEqual([call.name, JSON.parse(call.arguments)], ["get_weather", { city: "Paris" }]);
    const item = { type: "function_call_output", call_id: call.call_id, output: "It is sunny." };
    talk.rt.send({ type: "conversation.item.create", item });
    talk.rt.send({ type: "response.create" });
    const { response } = (await talk.until("response.done")).at(-1);
    assert.equal(response.output[0].content[0].text, "It is sunny.");
  },
};

for (const [name, connect] of Object.entries(CLIENTS)) {
  describe(name, { concurrency: true, timeout: 20_000 }, () => {
    for (const [turn, script] of Object.entries(TURNS)) {
      test(turn, async () => {
        const rt = await connect();
        const closed = new Promise((resolve) => rt.socket.addEventListener("close", resolve));
        const talk = new Talk(rt);
        assert.equal((await talk.until("session.created")).at(-1).session.model, "gpt-realtime");
        await script(talk);
        rt.close();
        // Node 20's own WebSocket often says 1006 where Close and the connection's end come together, whoever serves.
        const { code } = await closed;
        assert.ok(code === 1000 || (code === 1006 && name.startsWith("OpenAIRealtimeWebSocket")), `closed with ${code}`);
      });
    }
  });
}
