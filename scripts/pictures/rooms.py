"""The rooms of the project, and which room imports from which, read from the source."""

import ast
from pathlib import Path

from pictures.sheet import Sheet

# From the top to the bottom, and what each is for.
ROOMS = {
    "apscheduler_fakes": "FakeScheduler; what knows APScheduler",
    "threadsim.pytest_plugin": "fixture, markers, options",
    "threadsim.exploration": "runs a program under many schedules",
    "threadsim.simulation": "the block and its clock",
    "threadsim.patching": "swaps names, and puts them back",
    "threadsim.primitives": "virtual locks, queues, threads, time",
    "threadsim.reporting": "reports and diagrams",
    "threadsim.runtime": "runs one virtual thread at a time",
}
_FAKES = Path("fakes")


def room_of(module: str) -> str:
    """Return the room that a module stands in, or ""."""
    return next((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), "")


def imports() -> set[tuple[str, str]]:
    """Return each pair of rooms of which the first imports from the second."""
    found = set()
    for file in _FAKES.rglob("*.py"):
        source = room_of(".".join(file.relative_to(_FAKES).with_suffix("").parts))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                target = room_of(node.module)
                if source and target and source != target:
                    found.add((source, target))
    return found


def draw() -> str:
    """Return the picture."""
    sheet = Sheet("Rooms of the fakes: imports go down only", 480)
    tops = {room: sheet.y + 50 * number for number, room in enumerate(ROOMS)}
    for room, what in ROOMS.items():
        sheet.box(16, tops[room], 320, 40)
        sheet.text(28, tops[room] + 17, room, "code")
        sheet.text(28, tops[room] + 33, what, "small quiet")
    names = list(ROOMS)
    for source, target in sorted(imports()):
        span = names.index(target) - names.index(source)
        y, to_y = tops[source] + 14 + 2 * span, tops[target] + 20
        if span == 1:
            sheet.arrow(176, tops[source] + 40, 176, tops[target] - 1)
        else:
            sheet.arc(337, y, 337, to_y, 14 + 18 * span)
            sheet.arrow(346, to_y, 337, to_y)
    return sheet.svg(sheet.y + 50 * len(ROOMS) + 4)
