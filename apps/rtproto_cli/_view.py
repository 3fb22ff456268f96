"""What the user sees while a file is streamed: a bar for the upload and the reply's text as it arrives."""

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from rtproto_cli._fatal import say

_SHOWN = 4000
"""Characters of the reply shown while it grows: more than a screen has, and few enough to draw ten times a second."""


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
        self._words: list[str] = []
        self._tail = ""
        self._live = Live(get_renderable=self._shown, console=console, refresh_per_second=10)

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self._tail = "".join(self._words)
        self._live.stop()

    def _shown(self) -> Group:
        return Group(self._bar, Text(self._tail))

    def sent(self, seconds: float, waiting: str) -> None:
        """So much of the file is uploaded; `waiting` says for what we wait."""
        self._bar.update(self._task, completed=seconds, waiting=f"waiting for {waiting}" if waiting else "")

    def text(self, words: str) -> None:
        """More words of the reply."""
        self._words.append(words)
        self._tail = (self._tail + words)[-_SHOWN:]


class PlainView:
    """Not on a terminal: nothing but the text, as it arrives."""

    def __init__(self) -> None:
        self._said = False

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._said:
            self._said = False
            say("\n")

    def sent(self, seconds: float, waiting: str) -> None:
        """Shows nothing."""

    def text(self, words: str) -> None:
        """More words of the reply. Raises Fatal where they cannot be written."""
        say(words)
        self._said = True


class SilentView(PlainView):
    """For machine-readable runs."""

    def text(self, words: str) -> None:
        """Shows nothing."""
