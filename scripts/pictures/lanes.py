"""A trace diagram: a column for each thread, a row for each step, time at the left."""

from collections.abc import Sequence

from pictures.recording import JOBS, REQUEST, Event
from pictures.sheet import Sheet

_ROW = 24
_KINDS = {JOBS: "job", REQUEST: "request"}


def draw(title: str, events: Sequence[Event], lanes: Sequence[str], *, width: int = 360) -> str:
    """Return a diagram as SVG.

    Args:
        title: What it shows.
        events: The rows.
        lanes: The columns, from left to right.
        width: Of the picture.
    """
    sheet = Sheet(title, width)
    columns = {lane: 64.0 + 26 * number for number, lane in enumerate(lanes)}
    names = 56 + 26 * len(lanes)
    top = sheet.y + 18 * len(lanes)
    bottom = top + _ROW * len(events)
    for number, lane in enumerate(lanes):
        y = sheet.y + 18 * number
        sheet.text(names, y + 4, lane, f"small {_kind(lane)}")
        sheet.line(columns[lane], y, names - 4, y, "thin")
        sheet.line(columns[lane], y, columns[lane], bottom, "thin")
    before: float | None = None
    for row, event in enumerate(events):
        y = top + _ROW * row + 12
        kind = event.mark or _kind(event.lane)
        if event.at != before:
            sheet.text(42, y + 4, f"{event.at:g} s", "small quiet", "end")
        before = event.at
        x = columns[event.lane]
        if event.to in columns:
            back = 5 if columns[event.to] > x else -5
            sheet.arrow(x, y, columns[event.to] - back * 0.4, y, kind)
        sheet.dot(x, y, kind)
        if event.text.startswith("waits"):
            ends = [y + _ROW * n for n, e in enumerate(events[row:]) if n and e.lane == event.lane]
            sheet.dashed(x, y, x, (ends or [bottom + 8])[0], kind)
        sheet.text(names, y + 4, event.words, event.mark)
    return sheet.svg(bottom + 16)


def _kind(lane: str) -> str:
    return _KINDS.get(lane.split(maxsplit=1)[0], "plain")
