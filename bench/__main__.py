"""`python -m bench [--quick] [--json FILE] [NAME ...]`: rtproto beside other libraries, in one run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from subprocess import SubprocessError

from bench import blast, decode, encode, imports, instructions, load, relay
from bench.contenders import Figures, Result, Unequal
from bench.report import as_json, show, versions

Benchmarks = Mapping[str, Callable[[], Result | Figures]]

FULL: Benchmarks = {
    "decode": decode.measure,
    "encode": encode.measure,
    "blast": blast.measure,
    "imports": imports.measure,
    "load": load.measure,
    "memory": load.measure_memory,
    "relay": relay.measure,
    "decode-instructions": partial(instructions.measure, "decode"),
    "encode-instructions": partial(instructions.measure, "encode"),
}
QUICK: Benchmarks = {
    "decode": partial(decode.measure, turns=11),
    "encode": partial(encode.measure, turns=11),
    "blast": partial(blast.measure, cycles=10, turns=1),
    "imports": partial(imports.measure, turns=3),
    "load": partial(load.measure, sessions=10, turns=1, silero=(5,)),
    "memory": partial(load.measure_memory, sessions=100, steps=5),
    "relay": partial(relay.measure, seconds=1.0, turns=1),
    "decode-instructions": partial(instructions.measure, "decode", pairs=10),
    "encode-instructions": partial(instructions.measure, "encode", pairs=10),
}
USUAL = ("decode", "encode", "blast", "imports")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="rtproto beside other libraries, in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FULL)}; the usual: {' '.join(USUAL)}")
    parser.add_argument("--quick", action="store_true", help="fewer turns: good enough to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything that was measured")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in FULL:
            parser.error(f"there is no benchmark {name!r}; choose from {', '.join(FULL)}")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"there is no directory {options.json.parent} to write to")
    print(", ".join(f"{library} {version}" for library, version in versions().items()))
    results: dict[str, Result | Figures] = {}
    for name in options.names or USUAL:
        try:
            results[name] = (QUICK if options.quick else FULL)[name]()
        except (Unequal, SubprocessError) as failure:
            print(f"{name}: {failure}", file=sys.stderr)
            return 1
        except ImportError as missing:
            print(f"{name}: skipped: {missing}")
            continue
        show(results[name])
    if options.json:
        options.json.write_text(json.dumps(as_json(results), indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
