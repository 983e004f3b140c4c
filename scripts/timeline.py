"""A run as a picture: the request as a bar, a bar per job with a tick per iteration, a time axis.

Drawn from the numbers in ``report.json`` and nothing else. The picture brings its own background,
so that it reads on any page; that background follows the reader's light or dark preference.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

_MARGIN = 24
_LEFT, _RIGHT, _TOP, _BOTTOM = 112, 88, 92, 40
_AXIS = 760
_ROW, _BAR, _BASELINE = 26, 16, 13
_WIDTH = _LEFT + _AXIS + _RIGHT

_STYLE = """
    svg { font: 13px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
    .page { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #e6eaef }
    text { fill: #1f2328; font-variant-numeric: tabular-nums }
    .title { font-size: 17px; font-weight: 600 } .quiet { fill: #59636e }
    .value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
    .request { fill: #8250df } .job { fill: #9cc9f5 } .tick { stroke: #0a5cb8 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #3d444d } .grid { stroke: #262c36 }
      text { fill: #f0f6fc } .quiet { fill: #9198a1 }
      .value { stroke: #0d1117 }
      .request { fill: #ab7df8 } .job { fill: #1f4e86 } .tick { stroke: #79b8ff }
    }
"""


def draw(report: Mapping[str, Any], title: str) -> str:
    """Draw one run.

    Args:
        report: ``wall_seconds``, ``status_code``, ``most_jobs_at_once`` and ``jobs`` as they stand
            in ``report.json``; times in seconds since the request was sent.
        title: What was run.

    Returns:
        An SVG document. Second ``s`` lies at ``x = x0 + s * (x1 - x0)``, where ``x0`` and ``x1``
        are the positions of the axis's groups ``data-second="0"`` and ``data-second="1"``, or of
        any other two in proportion.
    """
    wall: float = report["wall_seconds"]
    jobs: Sequence[Mapping[str, Any]] = report["jobs"]
    instants = _axis(max([wall, *(job["ended"] for job in jobs)]))
    bottom = _TOP + _ROW * (len(jobs) + 1)
    height = bottom + _BOTTOM
    figures = (
        f"Status {report['status_code']} after {wall:.2f} s, "
        f"{report['most_jobs_at_once']} jobs at once, a tick for each printed iteration"
    )

    def x(seconds: float) -> float:
        return round(_LEFT + seconds * _AXIS / instants[-1], 3)

    def row(group: ET.Element, kind: str, name: str, span: tuple[float, float], top: int) -> None:
        start, end = span
        y = top + _BASELINE
        _add(group, "text", name, x=_LEFT - 12, y=y, text_anchor="end")
        _add(group, "text", f"{end:.2f} s", class_="quiet value", x=x(end), y=y, dx=8)
        width = round(x(end) - x(start), 3)
        _add(group, "rect", class_=kind, x=x(start), y=top, width=width, height=_BAR)

    svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
    svg.attrib |= {"viewBox": f"0 0 {_WIDTH} {height}", "aria-labelledby": "title description"}
    svg.attrib |= {"width": str(_WIDTH), "height": str(height)}
    _add(svg, "title", title, id="title")
    _add(svg, "desc", f"{figures}. The request, then {len(jobs)} jobs.", id="description")
    _add(svg, "style", _STYLE)
    _add(svg, "rect", class_="page", x=0.5, y=0.5, width=_WIDTH - 1, height=height - 1, rx=8)
    _add(svg, "text", title, class_="title", x=_MARGIN, y=38)
    _add(svg, "text", figures, class_="quiet", x=_MARGIN, y=60)
    for instant in instants:
        at = x(instant)
        mark = _add(svg, "g", data_second=f"{instant:g}")
        _add(mark, "line", class_="grid", x1=at, x2=at, y1=_TOP - 8, y2=bottom)
        label = f"{instant:g} s"
        _add(mark, "text", label, class_="quiet", x=at, y=bottom + 20, text_anchor="middle")
    request = _add(svg, "g", data_request="/run-tasks")
    _add(request, "title", f"/run-tasks: answered after {wall} s")
    row(request, "request", "/run-tasks", (0.0, wall), _TOP)
    for number, job in enumerate(jobs, start=1):
        top = _TOP + number * _ROW
        group = _add(svg, "g", data_job=job["id"])
        times = f"{job['started']} s to {job['ended']} s"
        _add(group, "title", f"{job['id']}: {times}, {len(job['iterations'])} iterations")
        row(group, "job", job["id"], (job["started"], job["ended"]), top)
        for at in map(x, job["iterations"]):
            _add(group, "line", class_="tick", x1=at, x2=at, y1=top, y2=top + _BAR)
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: object) -> ET.Element:
    """Add an element; ``class_`` is class, ``data_job`` is data-job."""
    names = {name: name.rstrip("_").replace("_", "-") for name in attributes}
    element = ET.SubElement(parent, tag, {names[n]: str(v) for n, v in attributes.items()})
    element.text = text or None
    return element


def _axis(end: float) -> list[float]:
    """Return round instants from 0 to the first one at or after the end, at most 13 of them."""
    steps = (digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5))
    step = next(step for step in steps if end <= 12 * step)
    return [number * step for number in range(max(1, math.ceil(end / step)) + 1)]
