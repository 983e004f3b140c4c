"""Reads and writes of data in one schedule, and those that no lock orders.

Two accesses of one location race if they come from two threads, one of them writes, and neither
happened before the other. From then on the location's kind is racy: each access of it is a schedule
point with a footprint, and the search reverses these as it does others.

A kind is named by the program's text, as "shop.Stock.count" or "list@shop.py:53", so that it is the
same in every schedule. A footprint also names the object, by the thread that made it. Who comes
first to an object must not name it: sleep sets compare footprints of different schedules. Objects
that were not seen to be made share the key of their kind.

Only first races are found: two accesses that race count as ordered from there on.

Why this is enough: once no schedule shows a race of a new kind, every interleaving of all accesses
has the effect of a schedule that ran. Take a shortest one that has not. Its last access conflicts
with an earlier one, and no point orders the two. What is before them is the beginning of a schedule
that ran, and there the two race. Within a bound, a preemption between accesses that race with
nothing can as well come at the thread's next point.

Sources: Adve and Hill, Weak Ordering: A New Definition, ISCA 1990 (programs without data races);
Musuvathi et al., Finding and Reproducing Heisenbugs in Concurrent Programs, OSDI 2008 (switches at
synchronisation only, and a race detector); Flanagan and Freund, FastTrack, PLDI 2009 (what is kept
of a location); Blum and Gibson, Stateless Model Checking with Data-Race Preemption Points, OOPSLA
2016 (races as switch points).
"""

from collections import Counter
from collections.abc import Callable, Collection, Container, Hashable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from sys import getrefcount
from typing import Any, NamedTuple, Protocol
from weakref import ref

from threadsim.exploration.data.clocks import Clocks, Moment
from threadsim.exploration.execution import MAIN, SchedulePoint
from threadsim.runtime.hooks import READ, WRITE
from threadsim.runtime.virtual_thread import VirtualThread

# After so many accesses without a schedule point a thread lets the others go first.
MOST_IN_A_STEP = 10_000


@cache
def _short(file: str, line: int) -> str:
    return f"{Path(file).name}:{line}"


class Site(NamedTuple):
    """Where an access stands in the program.

    Attributes:
        name: The name of the attribute, variable or generator; "" for items.
        file: The file.
        line: The line.
        mode: Whether an attribute or variable is read or written.
        of_self: Whether the object is ``self`` in an ``__init__``.
    """

    name: str
    file: str
    line: int
    mode: int = READ
    of_self: bool = False

    def __str__(self) -> str:
        return _short(self.file, self.line)


When = tuple[Moment, Site]
"""The moment of an access, and where it stands in the program."""


class DataRace(AssertionError):
    """Two threads access data, one of them writes, and no lock orders the two."""

    __module__ = "threadsim"


@dataclass(slots=True, eq=False)
class Location:
    """A place that holds data.

    Attributes:
        kind: Its kind.
        text: What it is, for people.
        key: Its name in footprints; ``None`` if it is not racy.
        is_alone: Whether it is an attribute that no class has a value or code for.
        written: The last write.
        read: Each thread's last read since then.
    """

    kind: str
    text: str
    key: Hashable
    is_alone: bool = False
    written: When | None = None
    read: dict[int, When] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Record:
    """What is known of an object.

    Attributes:
        kind: The kind of the items in it.
        name: The thread that made it, and how many objects that had made before; ``None`` if nobody
            was seen to make it.
        keeps: A weak reference to the object; or the object itself, if it can have none.
        locations: The locations in it, by their names.
    """

    kind: str
    name: Hashable
    keeps: Any = None
    locations: dict[Hashable, Location] = field(default_factory=dict)


class Stops(Protocol):
    """The points of the schedule."""

    kernel: Any
    numbers: dict[VirtualThread, int]

    def point(self, op: SchedulePoint) -> None:
        """Stop the running thread before an operation."""

    def touch(self, key: Hashable, mode: int) -> None:
        """Note that the running step touched an object."""


Access = tuple[Location, int]
"""A location, and whether it is read or written."""


def given(_: "Accesses", accesses: list[Access]) -> list[Access]:
    """Return accesses that depend on nothing; see ``Accesses.note``."""
    return accesses


class Accesses:
    """The accesses of one schedule.

    Args:
        points: The points of the schedule.
        racy: The kinds whose accesses are schedule points.
        modules: The names of the user's modules.

    Attributes:
        clocks: What happened before what.
        races: A sentence for each racy kind that was found.
        records: What is known of objects, by their ids.
    """

    def __init__(
        self, points: Stops, racy: Container[str], modules: Collection[dict[str, Any]] = ()
    ) -> None:
        self.clocks = Clocks()
        self.races: dict[str, str] = {}
        self._points = points
        self._racy = racy
        self._modules = modules
        self.records: dict[int, Record] = {}
        self._kept: dict[int, Record] = {}  # Those that keep their objects.
        # The running step, the accesses in it, and its thread.
        self._step, self._in_step, self._me = -1, 0, MAIN
        self._made: Counter[int] = Counter()
        self._globals: dict[str, Location] = {}

    # The locations.

    def record(self, thing: Any, kind: str = "", *, made: bool = False) -> Record:
        """Return what is known of an object.

        Args:
            thing: The object.
            kind: The kind of its items, if nothing is known of it.
            made: Whether the running thread has just made it.
        """
        place = id(thing)
        record = self.records.get(place)
        if record is None or made:
            name = self._new_name() if made else None
            kind = kind or self._kept_as(thing) or f"some {type(thing).__name__}"
            record = self.records[place] = Record(kind, name)
            try:
                record.keeps = ref(thing, lambda _: self.records.pop(place, None))
            except TypeError:
                record.keeps, self._kept[place] = thing, record
        return record

    def _kept_as(self, thing: Any) -> str:
        """Return where a module, or one of its classes, keeps an object; "" where none does."""
        for names in self._modules:
            module = names["__name__"]
            for name, value in list(names.items()):
                if value is thing:
                    return f"{module}.{name}"
                if isinstance(value, type) and value.__module__ == module:
                    for attribute, each in list(vars(value).items()):
                        if each is thing:
                            return f"{module}.{value.__qualname__}.{attribute}"
        return ""

    def _new_name(self) -> Hashable:
        thread = self._thread()
        self._made[thread] += 1
        return thread, self._made[thread]

    def _thread(self) -> int:
        """Return the number of the running thread; a schedule that begins or ends has main only."""
        return self._points.numbers.get(self._points.kernel.running, MAIN)

    def drop_garbage(self) -> None:
        """Let go of objects that nobody else has."""
        kept = self._kept
        for place in [at for at in kept if getrefcount(kept[at].keeps) <= _OWN_REFERENCES]:
            del kept[place], self.records[place]

    def location(self, record: Record, part: Hashable, kind: str, text: str) -> Location:
        """Return a location in an object.

        Args:
            record: What is known of the object.
            part: Its name in the object.
            kind: Its kind.
            text: What it is, for people.
        """
        found = record.locations.get(part)
        if found is None:
            found = record.locations[part] = self._location(kind, text, record.name, part)
        return found

    def variable(self, module: str, name: str) -> Location:
        """Return the location of a module's variable."""
        kind = f"{module}.{name}"
        if kind not in self._globals:
            self._globals[kind] = self._location(kind, kind)
        return self._globals[kind]

    def _location(self, kind: str, text: str, *name: Hashable) -> Location:
        return Location(kind, text, ("data", kind, *name) if kind in self._racy else None)

    # The accesses.

    def note(self, site: Site, find: Callable[..., list[Access]], *arguments: Any) -> None:
        """Note accesses that follow: stop before those of racy kinds, find races in the others.

        Args:
            site: Where they stand.
            find: Returns the accesses. It is asked again after a stop: they may depend on what
                other threads have done.
            arguments: Its other arguments.
        """
        if self._points.kernel.steps != self._step:
            self._begin_step()
        self._in_step += 1
        accesses = find(self, *arguments)
        if (self._racy or self._in_step > MOST_IN_A_STEP) and self._stop(accesses):
            accesses = find(self, *arguments)
        now = moment, _ = self.clocks.now(self._me), site
        for location, mode in accesses:
            if location.written is not None and not moment.follows(location.written[0]):
                self._race(location, "written", location.written, now, mode)
            if mode == WRITE:
                for read in location.read.values():
                    if not moment.follows(read[0]):
                        self._race(location, "read", read, now, mode)
                location.read.clear()
                location.written = now
            else:
                location.read[self._me] = now
            if location.key is not None:
                self._points.touch(location.key, mode)

    def _begin_step(self) -> None:
        points = self._points
        self._step, self._in_step = points.kernel.steps, 0
        self._me = points.numbers.get(points.kernel.running, MAIN)

    def _stop(self, accesses: list[Access]) -> bool:
        """Let other threads run before accesses of racy kinds, and after many others.

        Returns:
            Whether they could.
        """
        points = self._points
        if self._in_step > MOST_IN_A_STEP:  # It may wait for what another thread writes.
            points.point(SchedulePoint("go on after the others", gives_way=True))
        if racy := [each for each in accesses if each[0].key is not None]:
            writes = any(mode == WRITE for _, mode in racy)
            points.point(SchedulePoint(f"{'write' if writes else 'read'} {racy[0][0].text}"))
        stopped: bool = points.kernel.steps != self._step
        if stopped:
            self._begin_step()
        return stopped

    def _race(self, location: Location, how: str, first: When, now: When, mode: int) -> None:
        """Note that no lock orders two accesses."""
        (before, where), (after, here) = first, now
        self.clocks.join(after.thread, before)
        names = {number: each.name for each, number in self._points.numbers.items()}
        then = "writes" if mode == WRITE else "reads"
        self.races.setdefault(
            location.kind,
            f"{location.text} is {how} by {names[before.thread]} at {where} before "
            f"{names[after.thread]} {then} it at {here}; no lock orders the two",
        )


# A record's own reference, and those of the count itself.
_SAMPLE = Record("", None, [])
_OWN_REFERENCES = getrefcount(_SAMPLE.keeps)
