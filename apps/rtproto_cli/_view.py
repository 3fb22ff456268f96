"""What the user sees while a file is streamed: a bar for the upload and the reply's text as it arrives."""

import sys
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text


class LiveView:
    """On a terminal: a bar and a growing text. The text is printed for good when the view ends."""

    def __init__(self, console: Console, name: str, seconds: "float | None") -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.1f} s" + (f" of {seconds:.1f} s" if seconds else "")),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[waiting]}"),
            console=console,
        )
        self._task = self._bar.add_task(name, total=seconds, waiting="")
        self._text = ""
        self._live = Live(self._shown(), console=console, refresh_per_second=10)

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self._live.update(self._shown())
        self._live.stop()

    def _shown(self) -> Group:
        return Group(self._bar, Text(self._text))

    def sent(self, seconds: float, waiting: str) -> None:
        """So much of the file is uploaded; `waiting` says for what we wait."""
        self._bar.update(self._task, completed=seconds, waiting=f"waiting for {waiting}" if waiting else "")

    def text(self, whole: str) -> None:
        """The reply so far."""
        self._text = whole
        self._live.update(self._shown())


class PlainView:
    """Not on a terminal: nothing but the text, as it arrives."""

    def __init__(self) -> None:
        self._shown = ""

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._shown:
            sys.stdout.write("\n")
            sys.stdout.flush()

    def sent(self, seconds: float, waiting: str) -> None:
        """Shows nothing."""

    def text(self, whole: str) -> None:
        """The reply so far; only what is new is written."""
        if whole.startswith(self._shown):
            sys.stdout.write(whole[len(self._shown) :])
            sys.stdout.flush()
            self._shown = whole


class SilentView(PlainView):
    """For machine-readable runs."""

    def text(self, whole: str) -> None:
        """Shows nothing."""
