"""instructions: how many the processor executes for an event, as valgrind counts them: a busy machine changes nothing.

Valgrind's processor knows no AVX-512, so that what scans bytes counts for more here than it takes in truth: compare the
figures of one contender before and after a change, not those of different ones.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

from bench import decode, encode
from bench.contenders import Result
from bench.traffic import mix, speech

HOME = Path(__file__).parents[1]
PASSES = (5, 15)
"""Two counts of passes: what they differ in is neither import nor first use."""

CONTENDERS = {"decode": decode.CONTENDERS, "encode": encode.CONTENDERS}
COUNTED = {"decode": ("rtproto", "reference"), "encode": ("rtproto, C mask", "reference")}


def count(kind: str, name: str, passes: int, pairs: int) -> int:
    """Instructions of a whole process."""
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={os.devnull}"]
    command = [*valgrind, sys.executable, "-m", "bench.instructions", kind, name, str(passes), str(pairs)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=HOME, env=environment, check=True, capture_output=True, text=True, timeout=120)
    total = re.search(r"I +refs: +([\d,]+)", done.stderr)
    assert total is not None, done.stderr
    return int(total[1].replace(",", ""))


def measure(kind: str, *, pairs: int = 50) -> Result:
    """Counts "decode" or "encode", for rtproto and the reference. Raises ImportError where there is no valgrind."""
    if shutil.which("valgrind") is None:
        raise ImportError("there is no valgrind on this machine")
    few, many = PASSES
    events = (many - few) * 2 * pairs
    times = {
        name: [(count(kind, name, many, pairs) - count(kind, name, few, pairs)) / events] for name in COUNTED[kind]
    }
    return Result(f"{kind}-instructions: counted by valgrind", "instructions/event", times, {})


def run_passes(kind: str, name: str, passes: int, pairs: int) -> None:
    """What valgrind watches."""
    data = mix(pairs).reads() if kind == "decode" else speech(2 * pairs)
    run = CONTENDERS[kind][name]()
    take = deque[Any](maxlen=0).append
    for _ in range(passes):
        run(data, take)


if __name__ == "__main__":
    run_passes(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
