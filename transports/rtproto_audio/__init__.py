"""Sound in and out, the same for asyncio, trio and threads: plain iterators and plain bytes, no event loop.

Audio is little-endian PCM16, mono, 24 000 Hz unless a name says otherwise: what the Realtime API calls `audio/pcm`.
The G.711 encodings (`audio/pcmu`, `audio/pcma`) are one byte a sample at 8 000 Hz.
"""

try:
    from ._errors import AudioFileError
    from ._g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
    from ._pcm import Encoding, duration_ms, rms
    from ._read import AudioReader, read_audio
    from ._resample import Resampler
    from ._sound import Raw, Source
    from ._write import WavWriter, write_wav
except ImportError as error:
    raise ImportError(f"rtproto_audio needs {error.name or error}: pip install 'rtproto[audio]'") from error
except OSError as error:  # from soundfile, where its wheel brings no libsndfile
    raise ImportError(f"soundfile found no libsndfile ({error}); install it (Debian: libsndfile1)") from error

__all__ = [
    "AudioFileError",
    "AudioReader",
    "Encoding",
    "Raw",
    "Resampler",
    "Source",
    "WavWriter",
    "alaw_decode",
    "alaw_encode",
    "duration_ms",
    "read_audio",
    "rms",
    "ulaw_decode",
    "ulaw_encode",
    "write_wav",
]
