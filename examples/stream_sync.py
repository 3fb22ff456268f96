"""Streams a sound file with plain sockets, prints the reply's transcript as it arrives, saves its speech in reply.wav.

    python examples/stream_sync.py test_data/question.wav [--url ws://127.0.0.1:8080/v1/realtime]

Without --url: the server that the environment or .env configures (see development.env), else the embedded one.
"""

import argparse
import contextlib
import os

import rtproto_emulator
import rtproto_sync
from rtproto_audio import AudioReader, read_audio, write_wav

import rtproto
from rtproto import Endpoint, errors, events


def stream(endpoint: Endpoint, question: AudioReader) -> None:
    with rtproto_sync.connect(endpoint) as rt:
        push_to_talk = events.AudioConfig(input=events.AudioInput(turn_detection=None))
        rt.send(events.SessionUpdate(session=events.RealtimeSession(audio=push_to_talk)))
        for chunk in question:
            rt.send(events.InputAudioBufferAppend(audio=chunk))
        rt.send(events.InputAudioBufferCommit())
        rt.send(events.ResponseCreate())
        with write_wav("reply.wav") as reply:
            for event in rt:
                match event:
                    case events.ResponseOutputAudioTranscriptDelta(delta=text):
                        print(text, end="", flush=True)
                    case events.ResponseOutputAudioDelta(delta=pcm):
                        reply.write(pcm)
                    case events.ResponseDone():
                        print()
                        return
                    case events.ErrorEvent(error=error):
                        raise errors.ServerError(error)
                    case events.Closed():
                        raise errors.SessionClosed(event)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--url")
    given = parser.parse_args()
    with contextlib.suppress(ImportError):
        import dotenv

        dotenv.load_dotenv(".env")
    with contextlib.ExitStack() as stack:
        try:
            endpoint = rtproto.endpoint(given.url) if given.url else rtproto.from_env(os.environ)
            endpoint = endpoint or rtproto.endpoint(stack.enter_context(rtproto_emulator.start()).url)
            stream(endpoint, read_audio(given.file))
        except (ValueError, OSError, errors.RtprotoError) as error:
            parser.exit(2 if isinstance(error, ValueError) else 1, f"{error}\n")
