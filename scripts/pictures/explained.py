"""How a simulation works, in three pictures that a small program draws: turns, clock, patches."""

import itertools
import re
import threading
import time
from collections.abc import Callable

from pictures.recording import Event
from pictures.sheet import Sheet
from threadsim import Simulation
from threadsim.exploration.options import Options
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import Replay, read
from threadsim.reporting.trace import TraceEntry


def events_of(trace: list[TraceEntry]) -> list[Event]:
    """Return a trace's steps as rows of a diagram."""
    return [
        Event(
            each.at,
            each.thread.name.partition(" (")[0],
            re.sub(r" at \S+:\d+", "", each.words.removeprefix(each.thread.name).strip()),
            mark="bad" if "for ever" in each.then else "",
        )
        for each in trace
    ]


def turns() -> list[Event]:
    """Run two threads that want one lock, and return their steps."""
    with Simulation() as sim:
        lock = threading.Lock()

        def work() -> None:
            with lock:
                time.sleep(1)

        workers = [threading.Thread(target=work, name=name) for name in ("first", "second")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return events_of(sim.trace)


def failing(program: Callable[[], object], schedule: str) -> list[Event]:
    """Run a program under a schedule of ``explore``, and return its steps."""
    choices, points = read(schedule)
    with ScheduleRunner(Options(program)) as runner:
        execution = runner.run(Replay(choices), switch_points=points, shown=True)
    return events_of(list(execution.story))


def clock() -> str:
    """Draw how the virtual clock jumps while three threads sleep."""
    with Simulation() as sim:
        naps = {"view": [10.0], "job": [4.0, 5.0], "timer": [6.0]}

        def nap(lengths: list[float]) -> None:
            for length in lengths:
                time.sleep(length)

        threads = [threading.Thread(target=nap, args=(naps[name],), name=name) for name in naps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sheet = Sheet("When no thread can run, the clock jumps", 480)
    left, scale, bottom = 76.0, 36.0, sheet.y + 150
    instants = sorted({each.at for each in sim.trace})
    for before, after in itertools.pairwise(instants):
        sheet.arc(left + before * scale, sheet.y + 34, left + after * scale, sheet.y + 34, 30)
    sheet.text(68, sheet.y + 38, "clock", "small quiet", "end")
    for at in instants:
        sheet.line(left + at * scale, sheet.y + 34, left + at * scale, bottom, "thin")
        sheet.dot(left + at * scale, sheet.y + 34, "request")
        sheet.text(left + at * scale, bottom + 16, f"{at:g} s", "small quiet", "middle")
    for row, name in enumerate(naps):
        y = sheet.y + 66 + 28 * row
        steps = [each.at for each in sim.trace if each.thread.name == name]
        sheet.text(68, y + 4, name, "small quiet", "end")
        sheet.dashed(left + steps[0] * scale, y, left + steps[-1] * scale, y, "plain")
        for at in steps:
            sheet.dot(left + at * scale, y, "job")
    sheet.text(
        16, bottom + 40, "A blue dot: the thread runs. A dashed line: it sleeps.", "small quiet"
    )
    sheet.text(16, bottom + 56, "Each bow takes no real time.", "small quiet")
    return sheet.svg(bottom + 72)


def patches() -> str:
    """Draw what three names mean before, inside and after a block."""
    names: dict[str, Callable[[], object]] = {
        "threading.Lock()": lambda: threading.Lock(),  # noqa: PLW0108  # Another one inside.
        "threading.Event()": lambda: vars(vars(threading.Event())["_cond"])["_lock"],
        "time.sleep": lambda: time.sleep,
    }
    types = [type(make()) for make in names.values()]

    def kinds() -> list[str]:
        now = [type(make()) for make in names.values()]
        return ["real" if a is b else "virtual" for a, b in zip(types, now, strict=True)]

    before = kinds()
    with Simulation():
        inside = kinds()
    rows = zip(before, inside, kinds(), strict=True)
    sheet = Sheet("Names are swapped for a block, and put back", 480)
    columns = (160, 266, 372)
    for x, heading in zip(columns, ("before", "inside", "after"), strict=True):
        sheet.text(x + 44, sheet.y + 10, heading, "small quiet", "middle")
    for row, (name, row_kinds) in enumerate(zip(names, rows, strict=True)):
        y = sheet.y + 22 + 34 * row
        sheet.text(16, y + 17, name, "code")
        for x, kind in zip(columns, row_kinds, strict=True):
            sheet.box(x, y, 88, 26, "box")
            sheet.text(x + 44, y + 17, kind, "job strong" if kind == "virtual" else "", "middle")
        sheet.arrow(columns[0] + 90, y + 13, columns[1] - 2, y + 13)
        sheet.arrow(columns[1] + 90, y + 13, columns[2] - 2, y + 13)
    return sheet.svg(sheet.y + 22 + 34 * len(names) + 8)
