"""A bar for each thing that takes long, in a terminal; nothing anywhere else."""

import os
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def progress() -> Progress:
    """Return what draws the bars while it is entered; they are gone when it ends."""
    shown = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        # nox sets FORCE_COLOR, which says nothing of where this goes.
        console=Console(stderr=True, force_terminal=shown),
        transient=True,
        disable=not shown,
    )
