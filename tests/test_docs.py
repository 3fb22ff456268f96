"""The pages on the dialects are those that docs/dialects.py writes now (rtproto_cli), and the site names every page."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from rtproto._dialects import DIALECTS

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dialect_pages", DOCS / "dialects.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_on_the_dialects_are_up_to_date(script: ModuleType) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "dialects").iterdir()}
    assert written.keys() == script.pages().keys() == {"index.md", *(f"{name}.md" for name in DIALECTS)}
    for name, text in script.pages().items():
        assert written[name] == text, f"docs/dialects/{name} is out of date: run python docs/dialects.py"


def test_every_table_of_a_page_has_its_columns(script: ModuleType) -> None:
    for text in script.pages().values():
        for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
            columns = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(columns) == 1, table


def test_the_site_names_every_page() -> None:
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    named = re.findall(r"(\S+\.md)$", (DOCS / "site" / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) == pages
    assert len(named) == len(pages)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).is_file(), link
