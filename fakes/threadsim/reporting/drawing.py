"""The lane diagram as a picture: a column per thread, a row per step, and who is who above."""

from collections.abc import Sequence
from html import escape

from threadsim.reporting.trace import TraceEntry
from threadsim.reporting.trace_diagram import ALONE
from threadsim.runtime.formatting import seconds

# In pixels; a character of the font is as wide as it is in any browser, or less.
_COLUMN, _ROW, _CHARACTER, _MARGIN = 26, 20, 7.5, 12
_LEFT = 110

_RUNS, _FAILS = "#1f6feb", "#d1242f"


def svg(steps: Sequence[TraceEntry]) -> str:
    """Return an SVG document that draws what ran, and what each thread did next.

    Args:
        steps: A schedule's trace.
    """
    threads = sorted({step.thread for step in steps}, key=lambda thread: thread.number)
    columns = {thread: _LEFT + index * _COLUMN for index, thread in enumerate(threads)}
    legend = [f"{thread.number} {thread.name}" for thread in threads] or [ALONE]
    words = [step.words for step in steps]
    top = _MARGIN + (len(legend) + 2) * _ROW
    right = _LEFT + len(threads) * _COLUMN
    longest = max(map(len, words), default=0)
    wide = max([right + longest * _CHARACTER, *(len(line) * _CHARACTER for line in legend)])
    width, height = round(wide + 2 * _MARGIN), top + len(steps) * _ROW + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        "<style>text { font: 12px monospace; white-space: pre }</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for row, line in enumerate(legend):
        parts.append(f'<text x="{_MARGIN}" y="{_MARGIN + (row + 1) * _ROW}">{escape(line)}</text>')
    if steps:
        parts.append(f'<text x="{_MARGIN}" y="{top - _ROW + 4}">{"seconds":>10}</text>')
    for thread, x in columns.items():
        rows = [row for row, step in enumerate(steps) if step.thread is thread]
        # Who has not ended waits to the end of the picture.
        end = steps[rows[-1]]
        last = rows[-1] if end.then == "ends" or end.fails else len(steps) - 0.5
        head = f'<text x="{x}" y="{top - _ROW + 4}" text-anchor="middle">{thread.number}</text>'
        ends = f'y1="{top + rows[0] * _ROW}" y2="{top + last * _ROW}"'
        parts += [head, f'<line x1="{x}" x2="{x}" {ends} stroke="#999"/>']
    for row, step in enumerate(steps):
        y = top + row * _ROW
        fill = _FAILS if step.fails or step.hangs else _RUNS
        parts += [
            f'<text x="{_MARGIN}" y="{y + 4}">{seconds(step.at):>10}</text>',
            f'<circle cx="{columns[step.thread]}" cy="{y}" r="6" fill="{fill}"/>',
            f'<text x="{right}" y="{y + 4}">{escape(words[row])}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])
