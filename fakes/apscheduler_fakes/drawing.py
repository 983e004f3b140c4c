"""The lane diagram as a picture: a column per thread, a row per step."""

from collections.abc import Sequence
from html import escape

from apscheduler_fakes.kernel import Step
from apscheduler_fakes.report import seconds

_COLUMN, _ROW, _LEFT, _TOP = 140, 22, 110, 40


def svg(steps: Sequence[Step]) -> str:
    """Return an SVG document that draws what ran, and what each thread did next.

    Args:
        steps: A schedule's trace.
    """
    threads = sorted({step.thread for step in steps}, key=lambda thread: thread.number)
    columns = {thread: _LEFT + index * _COLUMN for index, thread in enumerate(threads)}
    right = _LEFT + len(threads) * _COLUMN
    width, height = right + 320, _TOP + (len(steps) + 1) * _ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        "<style>text { font: 12px monospace }</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for thread, x in columns.items():
        rows = [row for row, step in enumerate(steps) if step.thread is thread]
        top, bottom = _TOP + rows[0] * _ROW, _TOP + rows[-1] * _ROW
        parts.append(f'<text x="{x}" y="20" text-anchor="middle">{escape(thread.name)}</text>')
        parts.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="#999"/>')
    for row, step in enumerate(steps):
        x, y = columns[step.thread], _TOP + row * _ROW
        parts.append(f'<text x="10" y="{y + 4}">{seconds(step.at)}</text>')
        parts.append(f'<circle cx="{x}" cy="{y}" r="6" fill="#1f6feb"/>')
        words = escape(f"{step.thread.name} {step.then}")
        parts.append(f'<text x="{right - _COLUMN // 2}" y="{y + 4}">{words}</text>')
    return "\n".join([*parts, "</svg>\n"])
