"""The picture of one run: what the simulation saw of requests, jobs and notifications."""

from collections.abc import Iterable, Iterator
from typing import Any

# As tests/timeline.py has them. A time is seconds, and a number that orders an instant.
Event = dict[str, Any]
Time = tuple[float, int]

# Where time begins and ends in the picture; right of that is what goes on.
LEFT, RIGHT, EDGE = 58, 306, 336
# The most that one instant takes, if all happens in it, and what a step of it takes.
INSTANT, STEP = 160, 6
# What has a mark, with the word beside the first of its kind.
MARKS = ("lost", "missed", "raised")


def times(events: Iterable[Event]) -> Iterator[Time]:
    """Yield each time at which something happened."""
    for event in events:
        yield from (event[key] for key in ("at", "began", "until") if event.get(key))


class Picture:
    """A run, laid out from top to bottom. One without duration shows the order of its events.

    Args:
        events: What happened.
        span: The seconds that the picture shows.

    Attributes:
        paths: SVG paths, by their class.
        texts: Pairs of class, x, y and text.
        height: How high it is.
        stroke: How high the bar of a job is.
        end: The seconds at the end of the axis.
    """

    def __init__(self, events: list[Event], span: float) -> None:
        self.paths: dict[str, str] = {}
        self.texts: list[tuple[str, float, float, str]] = []
        self.height = 7.0
        self._events = events
        self._last = max(times(events), default=(0.0, 0))
        self._lanes: dict[int, float] = {}
        self.end = span if self._last[0] else 0.0
        jobs, self._waits = self._those("job"), self._those("wait")
        pitch = 9 if len(jobs) <= 4 else 5.4 if len(jobs) <= 12 else 3.4  # noqa: PLR2004
        self.stroke = round(pitch * 0.7, 1)
        self._draw_requests(self._those("request") or self._waits)
        self._draw_jobs(jobs, pitch)
        self._draw_notifications(self._those("notification"))

    def _those(self, what: str) -> list[Event]:
        return [each for each in self._events if each["what"] == what]

    def _x(self, time: Time) -> float:
        if self.end:
            return round(LEFT + (RIGHT - LEFT) * time[0] / self.end, 1)
        return round(LEFT + time[1] * min(STEP, INSTANT / max(self._last[1], 1)), 1)

    def _path(self, kind: str, shape: str) -> None:
        self.paths[kind] = self.paths.get(kind, "") + shape

    def _line(self, kind: str, y: float, begin: float, end: float) -> None:
        self._path(kind, f"M{begin:g} {y:g}h{max(end - begin, 2):.3g}")

    def _bar(self, kind: str, y: float, begin: Time, until: Time | None) -> None:
        self._line(kind, y, self._x(begin), self._x(until or self._last))
        if until is None:
            self._line("ever", y, self._x(self._last), EDGE)

    def _mark(self, kind: str, y: float, at: Time) -> None:
        x = self._x(at)
        if kind not in self.paths:
            after = x < (LEFT + RIGHT) / 2
            self.texts.append((kind if after else f"{kind} end", x + (6 if after else -6), y, kind))
        self._path(kind, f"M{x - 3:g} {y - 3:g}l6 6m-6 0l6-6")

    def _label(self, y: float, text: str) -> None:
        self.texts.append(("end", LEFT - 6, round(y, 1), text))

    def _draw_requests(self, asked: list[Event]) -> None:
        for number, event in enumerate(asked, 1):
            self._label(self.height, f"{event['what']} {number}" if asked[1:] else event["what"])
            self._bar(event["what"], self.height, event["at"], event["until"])
            self._lanes[self._events.index(event)] = self.height
            self.height += 13
        for event in self._waits:
            if event["request"] is not None:
                y, until = self._lanes[event["request"]], event["until"] or self._last
                self._line("wait", y, self._x(event["at"]), self._x(until))

    def _draw_jobs(self, jobs: list[Event], pitch: float) -> None:
        for index, event in enumerate(jobs):
            y = self._lanes[self._events.index(event)] = round(self.height + index * pitch, 1)
            began, end = event["began"], event.get("end")
            added, begun = self._x(event["at"]), EDGE if began is None else self._x(began)
            if begun > added:
                self._line("never", y, added, begun)
            if began is not None and end != "missed":
                self._bar("job", y, began, event["until"])
            if end in MARKS:
                self._mark(end, y, event["until"])
        if jobs:
            several = f"{len(jobs)} jobs" if jobs[1:] else "1 job"
            self._label(self.height + (len(jobs) - 1) * pitch / 2, several)
            self.height = round(self.height + len(jobs) * pitch + 4, 1)

    def _draw_notifications(self, sent: list[Event]) -> None:
        below = self.height
        if any(each["job"] not in self._lanes for each in sent):
            self._label(below, "notify")
            self.height += 13
        for event in sent:
            y = self._lanes.get(event["job"], below)
            dot = f"M{self._x(event['at']):g} {y:g}h0"
            # One that no wait comes after is no loss.
            if event["lost"] and any(each["at"] > event["at"] for each in self._waits):
                self._mark("lost", y, event["at"])
            elif dot not in self.paths.get("sent", ""):
                self._path("sent", dot)
