"""A failure as a page for a browser, and as a trace for Perfetto.

Both are made of plain texts, which can be pickled: the page itself is ``failure_page.html``, whose
script draws what stands in it as JSON.
"""

import json
import linecache
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from threadsim.reporting.trace import TraceEntry
from threadsim.reporting.waits import HELD_BY

# Earlier steps are left out.
_MOST_STEPS = 300

# How many lines a page shows before a step's own line, and after it.
_AROUND = 3

_PAGE = Path(__file__).with_suffix(".html")


@dataclass(frozen=True, kw_only=True)
class FailurePage:
    """What the page of one failure shows.

    Attributes:
        title: The failure in a line.
        text: The failure in full, with the traceback.
        needs: The races that it needs, a sentence each.
        replay: The command or call that runs it again, or "".
        threads: The names of its threads.
        steps: Per step the seconds of virtual time, the thread's index, words, and the place.
        left_out: How many steps there were before these.
        deciding: The index of the last step after which another thread went on, though this one
            could have; -1 if there is none.
        waits: Pairs of indices of threads: the first waits for what the second holds.
        sources: Per place ("file:line") the number of the first line shown, and the lines.
    """

    title: str
    text: str
    needs: Sequence[str]
    replay: str
    threads: Sequence[str]
    steps: Sequence[tuple[float, int, str, str]]
    left_out: int
    deciding: int
    waits: Sequence[tuple[int, int]]
    sources: Mapping[str, tuple[int, list[str]]]

    def save_html(self, path: str | Path) -> None:
        """Write the page as one file, which needs no network."""
        # A script in a page ends at the first "</".
        data = json.dumps(asdict(self)).replace("<", "\\u003c")
        page = _PAGE.read_text(encoding="utf-8").replace("{{ data }}", data)
        Path(path).write_text(page, encoding="utf-8")

    def save_perfetto(self, path: str | Path) -> None:
        """Write the steps as Chrome trace events, for Perfetto or viztracer.

        A step's time is its number, in microseconds: most steps take no virtual time.
        """
        common = {"pid": 1, "cat": "threadsim"}
        events: list[dict[str, object]] = [
            {**common, "ph": "M", "tid": index, "name": "thread_name", "args": {"name": name}}
            for index, name in enumerate(self.threads)
        ]
        for number, (seconds, thread, words, place) in enumerate(self.steps, self.left_out):
            about = {"seconds": seconds, "place": place}
            step = {"ph": "X", "tid": thread, "name": words, "ts": number, "dur": 1, "args": about}
            events.append(common | step)
        Path(path).write_text(json.dumps({"traceEvents": events}), encoding="utf-8")


def failure_page(
    title: str,
    text: str,
    trace: Sequence[TraceEntry],
    *,
    needs: Sequence[str] = (),
    replay: str = "",
) -> FailurePage:
    """Return the page of a failure; see ``FailurePage``."""
    shown = trace[-_MOST_STEPS:]
    threads = sorted({each.thread for each in shown}, key=lambda thread: thread.number)
    lanes = {thread: index for index, thread in enumerate(threads)}
    names = [thread.name for thread in threads]
    last = {lanes[each.thread]: each.then.partition(HELD_BY)[2] for each in shown}
    return FailurePage(
        title=title,
        text=text,
        needs=needs,
        replay=replay,
        threads=names,
        steps=[(each.at, lanes[each.thread], each.words, each.place) for each in shown],
        left_out=len(trace) - len(shown),
        deciding=max((row for row, each in enumerate(shown) if each.is_stopped), default=-1),
        waits=[
            (waiting, index)
            for waiting, holder in last.items()
            for index, name in enumerate(names)
            if holder.partition(", which ")[0] == name
        ],
        sources={each.place: _source(each.place) for each in shown if each.place},
    )


def _source(place: str) -> tuple[int, list[str]]:
    file, _, number = place.rpartition(":")
    first = max(int(number) - _AROUND, 1)
    lines = linecache.getlines(file)[first - 1 : int(number) + _AROUND]
    return first, [line.rstrip() for line in lines]
