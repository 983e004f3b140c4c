"""Two timelines, one above the other: the request and its jobs as bars over virtual time."""

from pictures.recording import FOR_EVER, REQUEST, Recording
from pictures.sheet import Sheet

_ROW = 13


def draw(title: str, runs: dict[str, Recording], seconds: float) -> str:
    """Return timelines as SVG.

    Args:
        title: What they show.
        runs: A run for each heading.
        seconds: The length of the axis.
    """
    sheet = Sheet(title, 500)
    left, right = 76, 336
    scale = (right - left) / seconds
    for heading, run in runs.items():
        sheet.text(16, sheet.y + 12, heading, "strong")
        sheet.y += 24
        bottom = sheet.y + _ROW * (len(run.jobs) + 1) + 6
        for number in range(0, int(seconds) + 1, 2):
            x = left + number * scale
            sheet.line(x, sheet.y - 2, x, bottom, "thin")
            sheet.text(x, bottom + 13, f"{number} s", "small quiet", "middle")
        end = next(each for each in reversed(run.events) if each.lane == REQUEST)
        hangs = end.text == FOR_EVER
        stop = right + 12 if hangs else left + end.at * scale
        _bar(sheet, "request", left, stop, "request")
        if hangs:
            sheet.dashed(stop, sheet.y + 5, stop + 24, sheet.y + 5, "bad")
            stop += 24
        sheet.text(stop + 6, sheet.y + 9, end.words, f"small {end.mark}")
        sheet.y += _ROW + 4
        failed = [each for each in run.events if "raises" in each.text]
        for number, (begun, ended) in sorted(run.jobs.items()):
            fails = [each for each in failed if f"job {number} " in each.text]
            _bar(sheet, f"job {number}", left + begun * scale, left + ended * scale, "job")
            if fails:
                x, y = left + ended * scale + 8, sheet.y + 4.5
                sheet.line(x - 4, y - 4, x + 4, y + 4, "bad")
                sheet.line(x - 4, y + 4, x + 4, y - 4, "bad")
                sheet.text(x + 8, sheet.y + 9, fails[0].words.partition(" raises ")[2], "small bad")
            sheet.y += _ROW
        sheet.y += 38
    return sheet.svg(sheet.y - 12)


def _bar(sheet: Sheet, name: str, start: float, stop: float, kind: str) -> None:
    sheet.text(68, sheet.y + 9, name, "small quiet", "end")
    sheet.box(start, sheet.y, max(stop - start, 2), 9, kind)
