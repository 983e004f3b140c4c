"""What is shown while the jobs run: live bars in a terminal, plain lines anywhere else.

Colours follow ``NO_COLOR``. Whether there is a terminal is for the stream to say: ``FORCE_COLOR``,
which nox sets, would put control characters into a pipe.
"""

import os
import sys
import textwrap
import threading
import time
from collections import Counter
from types import TracebackType
from typing import IO, Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from scenario import Scenario

_COLUMN_WIDTH = 20
_WIDEST = 120
_WIDTH_OF_A_VERDICT = 80


def say(text: str, stream: IO[str]) -> None:
    """Print at once, wrapped in a terminal; go on in silence when nobody reads any more.

    Args:
        text: What to print, without control characters.
        stream: Where to.
    """
    try:
        if stream.isatty():
            columns = os.get_terminal_size(stream.fileno()).columns or 80
            text = "\n".join(_wrapped(line, columns) for line in text.splitlines())
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        # What is still in the buffer would fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _wrapped(line: str, columns: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def is_terminal(stream: IO[str]) -> bool:
    """Return whether live bars can be drawn on a stream."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}


class Display(Protocol):
    """What a run tells about itself; called from several threads."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def started(self, scenario: Scenario, pid: int, url: str) -> None:
        """Show that a program was started."""

    def asked(self, scenario: Scenario) -> None:
        """Show that ``/run-tasks`` is asked for."""

    def iteration(self, scenario: Scenario, task: int) -> None:
        """Show that a job printed an iteration."""

    def passed(self, scenario: Scenario, wall_seconds: float, figures: str) -> None:
        """Show a verdict, after the block."""


class Lines:
    """Plain lines, without any control character.

    Args:
        scenarios: What runs at the same time.
        stream: Where to.
    """

    def __init__(self, scenarios: tuple[Scenario, ...], stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._said = 0
        self._printed: Counter[tuple[str, int]] = Counter()
        self._expected = {
            (scenario.name, task): count
            for scenario in scenarios
            for task, count in enumerate(scenario.iterations)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def started(self, scenario: Scenario, pid: int, url: str) -> None:
        """Say that a program was started."""
        say(f"{scenario.name:<10}  started as process {pid} on {url}", self._stream)

    def asked(self, scenario: Scenario) -> None:
        """Say that ``/run-tasks`` is asked for."""
        say(f"{scenario.name:<10}  answers, asked for /run-tasks", self._stream)

    def iteration(self, scenario: Scenario, task: int) -> None:
        """Say so when every job has printed one more iteration or has printed its last."""
        with self._lock:
            self._printed[scenario.name, task] += 1
            most = max(self._expected.values())
            reached = min(
                most if self._printed[job] >= count else self._printed[job]
                for job, count in self._expected.items()
            )
            if reached > self._said:
                self._said = reached
                seconds = time.monotonic() - self._began
                say(
                    f"{seconds:>8.2f} s  iteration {reached} of {most} printed by every job",
                    self._stream,
                )

    def passed(self, scenario: Scenario, wall_seconds: float, figures: str) -> None:
        """Print a verdict as one line."""
        say(f"{scenario.name:<10}  ok  {wall_seconds:>5.2f} s  {figures}", self._stream)


class Bars:
    """A live bar per job, the scenarios beside one another as far as the terminal is wide.

    Args:
        scenarios: What runs at the same time.
        stream: The terminal.
    """

    def __init__(self, scenarios: tuple[Scenario, ...], stream: IO[str]) -> None:
        self._console = Console(file=stream, force_terminal=True, highlight=False)
        self._titles = {scenario.name: "starts" for scenario in scenarios}
        self._bars = {
            scenario.name: Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.completed:>2.0f}"),
                expand=True,
                console=self._console,
            )
            for scenario in scenarios
        }
        for scenario in scenarios:
            for task in range(len(scenario.iterations)):
                self._bars[scenario.name].add_task(f"j{task}", total=max(scenario.iterations))
        self._live = Live(
            console=self._console,
            get_renderable=self._layout,
            refresh_per_second=10,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def _layout(self) -> RenderableType:
        width = min(self._console.width, _WIDEST)
        columns = max(1, min(len(self._bars), width // _COLUMN_WIDTH))
        names = list(self._bars)
        grid = Table.grid(expand=False, padding=(0, 2, 0, 0))
        for _ in range(columns):
            grid.add_column(width=width // columns - 2)
        for row in range(0, len(names), columns):
            together = names[row : row + columns]
            grid.add_row(*(f"[bold]{name}[/] [dim]{self._titles[name]}[/]" for name in together))
            grid.add_row(*(self._bars[name] for name in together))
        return grid

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def started(self, scenario: Scenario, pid: int, url: str) -> None:
        """Do nothing: the bars stand there already."""

    def asked(self, scenario: Scenario) -> None:
        """Change the title above the bars."""
        self._titles[scenario.name] = "runs"

    def iteration(self, scenario: Scenario, task: int) -> None:
        """Move a job's bar on."""
        bars = self._bars[scenario.name]
        if task < len(bars.tasks):
            bars.advance(TaskID(task))

    def passed(self, scenario: Scenario, wall_seconds: float, figures: str) -> None:
        """Print a verdict, its figures wrapped beside its name."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=10, no_wrap=True, style="bold")
        grid.add_column(no_wrap=True, style="green")
        grid.add_column(width=7, no_wrap=True, justify="right")
        beside = self._console.width >= _WIDTH_OF_A_VERDICT
        grid.add_row(scenario.name, "ok", f"{wall_seconds:.2f} s", figures if beside else "")
        self._console.print(grid)
        if not beside:
            self._console.print(Padding(figures, (0, 0, 0, 2)))


def display_for(scenarios: tuple[Scenario, ...], stream: IO[str] | None = None) -> Display:
    """Choose bars for a terminal, lines for anything else.

    Args:
        scenarios: What runs at the same time.
        stream: Where to; ``None`` is standard output.
    """
    stream = stream or sys.stdout
    return Bars(scenarios, stream) if is_terminal(stream) else Lines(scenarios, stream)
