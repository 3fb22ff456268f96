"""A recogniser in a process of its own: pocketsphinx holds Python's lock for as long as it thinks."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer

from rtproto_audio import Resampler

from ._engines import Speech
from ._recogniser_worker import receive, send
from ._sound import ENGINE_RATE

_WORKER = Path(__file__).with_name("_recogniser_worker.py")
_RATE = 16_000
_PATIENCE = 60.0
"""Seconds for one utterance, then the process is killed. 15 seconds of speech take 5, and 20 on a busy machine."""
_ATTEMPTS = 2


class RecogniserProcess:
    """Decodes in a process that is started when it is first needed, kept warm, and started again where it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._state = Lock()
        self._decoding = Lock()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        process = self._process
        return process.pid if process is not None else None

    def prepare(self) -> None:
        """Starts the process, which takes a second to be ready."""
        with suppress(OSError, RuntimeError):  # it is told when the process is needed
            self._running()

    def decode(self, speech: Speech) -> str:
        """What was said. Raises RuntimeError, or OSError where no process can be started."""
        resampler = Resampler(ENGINE_RATE, _RATE, quality="HQ")
        pcm = resampler.feed(speech.pcm) + resampler.flush()
        status = 0
        with self._decoding:
            for _ in range(_ATTEMPTS):
                process = self._running()
                try:
                    return _ask(process, pcm)
                except (EOFError, OSError):
                    status = self._let_go(process)
        raise RuntimeError(f"the recogniser ended {_ATTEMPTS} times while it listened to this, {_reason(status)}")

    def stop(self) -> None:
        """Kills the process, for good."""
        with self._state:
            self._stopped = True
            process = self._process
        if process is not None:
            process.kill()
            with self._decoding:
                self._let_go(process)

    def _running(self) -> subprocess.Popen[bytes]:
        with self._state:
            if self._stopped:
                raise RuntimeError("the recogniser was stopped")
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, str(_WORKER)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for us alone
                )
            return self._process

    def _let_go(self, process: subprocess.Popen[bytes]) -> int:
        """Ends what may have ended already; its exit status."""
        with self._state:
            self._process = None
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return process.wait()


def _ask(process: subprocess.Popen[bytes], pcm: bytes) -> str:
    """The words in PCM16 at 16 kHz. Raises EOFError or OSError where the process has ended, or takes too long."""
    assert process.stdin is not None, "it has a pipe"
    assert process.stdout is not None, "it has a pipe"
    watch = Timer(_PATIENCE, process.kill)
    watch.daemon = True
    watch.start()
    try:
        send(process.stdin, pcm)
        answer = receive(process.stdout)
    finally:
        watch.cancel()
    if answer[:1] != b"+":
        raise RuntimeError(f"the recogniser could not decode this: {answer[1:].decode()}")
    return answer[1:].decode()


def _reason(status: int) -> str:
    return f"the last time by signal {-status}" if status < 0 else f"the last time with exit status {status}"
