"""The programs beside this file, checked as a user's would be: elsewhere, strictly, against the installed packages.

A line that must be refused carries `# type: ignore[code]`, which both checkers are told to report where nothing needs
it. So the programs are right when nothing at all is reported of them.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted(path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_"))
CHECKERS = {
    "mypy": ["--strict", "--config-file=", "--cache-dir=cache", "--no-error-summary"],
    "pyright": ["--pythonpath", sys.executable],
}
STRICT = PROGRAMS[0].read_text(encoding="utf-8").splitlines()[0]
# What shows that a checker does look: programs of which each line after the imports must be reported.
WRONG = f"""{STRICT}
from rtproto import Role, Session, events
Session(Role.SERVER).send(events.ResponseCreate(), 0.0)
Session(Role.CLIENT).send(events.ResponseCreate(), 0.0)  # type: ignore[arg-type]
"""
REPORT = re.compile(r"^ *(.*?)(\w+\.py):(\d+)\S*(?: -)? error: ", re.MULTILINE)

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("checker", CHECKERS)
def test_programs(checker: str, tmp_path: Path) -> None:
    """Every program passes, and a wrong one does not."""
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed; `nox -s types` has it")
    for program in PROGRAMS:
        shutil.copy(program, tmp_path)
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    names = [program.name for program in PROGRAMS]
    command = [sys.executable, "-m", checker, *CHECKERS[checker], "wrong.py", *names]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    reported = {(found[2], int(found[3])) for found in REPORT.finditer(run.stdout)}
    assert reported == {("wrong.py", 3), ("wrong.py", 4)}, run.stdout + run.stderr
    assert run.returncode == 1
