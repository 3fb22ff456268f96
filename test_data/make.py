"""Make every sound file of this folder: python test_data/make.py [FOLDER]

Needs flite (a small speech synthesizer, for the voice) and `pip install '.[audio]'`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import soundfile
    import soxr
    from numpy.typing import NDArray
except ImportError as error:
    sys.exit(f"{error.name} is not installed; run this in the project's folder: pip install '.[audio]'")

RATE = 24_000
VOICE = "rms"  # of flite's voices the one that recognisers understand best
QUESTION = "What is the weather in Paris?"
SECOND_QUESTION = "What time is it in Berlin?"
LEAD_IN, PAUSE, TAIL = 0.3, 1.5, 1.0  # seconds; the tail lets a server that waits for 500 ms of silence end the turn

Sound = NDArray[np.float32]


def main(folder: Path) -> None:
    if shutil.which("flite") is None:
        sys.exit("flite is not installed; Debian and Ubuntu: apt-get install flite; others: http://cmuflite.org")
    first, second = spoken(QUESTION), spoken(SECOND_QUESTION)
    question = np.concatenate([silence(LEAD_IN), first, silence(TAIL)])
    two_turns = np.concatenate([silence(LEAD_IN), first, silence(PAUSE), second, silence(TAIL)])
    wide = resampled(question, RATE, 44_100)

    folder.mkdir(parents=True, exist_ok=True)
    for name, sound, rate, subtype in [
        ("question.wav", question, RATE, "PCM_16"),
        ("question.flac", question, RATE, "PCM_16"),
        ("question.ogg", question, RATE, "VORBIS"),
        ("question.mp3", question, RATE, "MPEG_LAYER_III"),
        ("question.raw", question, RATE, "PCM_16"),
        ("question_8k_ulaw.wav", resampled(question, RATE, 8_000), 8_000, "ULAW"),
        # The two channels differ in loudness, and their mean is the question.
        ("question_44k_stereo.wav", np.stack([wide * 1.2, wide * 0.8], axis=1), 44_100, "PCM_16"),
        ("two_turns.wav", two_turns, RATE, "PCM_16"),
        ("silence.wav", silence(2.0), RATE, "PCM_16"),
        ("noise.wav", pink_noise(2.0), RATE, "PCM_16"),
    ]:
        # Rounded here, because libsndfile rounds floats differently for WAV and FLAC.
        soundfile.write(folder / name, np.rint(sound * 32767).astype(np.int16), rate, subtype)
        seconds, size = len(sound) / rate, (folder / name).stat().st_size
        print(f"{name:24} {seconds:6.3f} s {rate:6} Hz {size:8} bytes")


def spoken(text: str) -> Sound:
    """The words without the silence around them, at RATE."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run(["flite", "-voice", VOICE, "-t", text, "-o", str(path)], check=True)
        data, rate = soundfile.read(path, dtype="float32")
    sound: Sound = np.asarray(data, np.float32)
    audible = np.flatnonzero(np.abs(sound) > 0.005)
    margin = rate * 30 // 1000  # soft first and last sounds
    sound = sound[max(0, audible[0] - margin) : audible[-1] + margin]
    return resampled(sound, rate, RATE)


def resampled(sound: Sound, rate_in: int, rate_out: int) -> Sound:
    result: Sound = soxr.resample(sound, rate_in, rate_out)
    return result


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE), np.float32)


def pink_noise(seconds: float) -> Sound:
    """Power falls with frequency, 3 dB an octave above 20 Hz; -34 dBFS; the same every time."""
    white = np.random.default_rng(20).standard_normal(round(seconds * RATE))
    spectrum = np.fft.rfft(white)
    frequency = np.fft.rfftfreq(len(white), 1 / RATE)
    pink = np.fft.irfft(np.where(frequency < 20, 0, spectrum / np.sqrt(np.maximum(frequency, 20))), len(white))
    noise: Sound = (pink * 0.02 / np.sqrt(np.mean(pink**2))).astype(np.float32)
    return noise


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
