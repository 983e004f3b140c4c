"""A run as a picture: the request as a bar, a bar per job with a tick per iteration, an axis."""

from pathlib import Path

from jinja2 import Environment

from e2e.scenarios import Run

_TEMPLATE = Path(__file__).with_name("picture.svg.jinja").read_text(encoding="utf-8")


def draw(run: Run, title: str) -> str:
    """Return a run as SVG, which follows the reader's light or dark preference.

    Args:
        run: What was seen.
        title: What was run.
    """
    last = max([run.seconds, *(job.ticks[-1] for job in run.jobs)])
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if last <= 12 * step)
    count = int(last / step) + 1
    rows = [("request", "/run-tasks", 0.0, run.seconds, tuple[float, ...]())]
    rows += [("job", f"j{job.number}", job.started, job.ticks[-1], job.ticks) for job in run.jobs]
    template = Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)
    return template.render(title=title, run=run, rows=rows, step=step, count=count)
