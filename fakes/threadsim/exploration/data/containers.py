"""Which locations of a list, dict, set or deque an operation reads and writes.

A container has a location for each item with a simple key or index, and one for its keys and
length. So threads that write different items do not race.
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator
from functools import partial
from itertools import chain, repeat
from typing import Any

from threadsim.exploration.data.accesses import Access, Accesses, Location
from threadsim.runtime.hooks import READ, WRITE

_CONTAINERS = (bytearray, deque, dict, list, set)

_SIMPLE = (str, int, float, bool, bytes, type(None))
# The keys and the length; all items that have no location of their own.
_KEYS, _OTHER = "keys", "other"
# Items of a longer container share a location.
_MOST = 100

# Methods that only read, and methods that read or write the item of their first argument.
_READERS = {
    *("__contains__", "__eq__", "__iter__", "__len__", "copy", "count", "index", "isdisjoint"),
    *("issubset", "issuperset", "union", "difference", "intersection", "symmetric_difference"),
    *("items", "keys", "values", "most_common", "elements", "total", "__reversed__", "__repr__"),
    *("__getitem__", "__or__", "__and__", "__sub__", "__add__", "__mul__"),
    *("decode", "find", "join", "split"),
}
_OF_ITEM = {"get", "__getitem__", "__contains__"}


def is_container(thing: object) -> bool:
    """Return whether an object is a container; a proxy, as Flask's ``request``, is not asked."""
    return issubclass(type(thing), _CONTAINERS)


def item(data: Accesses, thing: Any, key: Any, mode: int) -> list[Access]:
    """Return the accesses of reading or writing one item; of one that is not there, its adding."""
    if isinstance(thing, dict | set):
        part = _part(thing, key)
        is_there = part is not _OTHER and _has(thing, key)
        if isinstance(thing, defaultdict) and not is_there:
            mode = WRITE
        adds = mode == WRITE and not is_there
        return _of_key(data, thing, part, mode) + (keys(data, thing, WRITE) if adds else [])
    if isinstance(key, int):
        index = key + len(thing) if key < 0 else key
        part = index if index < _MOST else _OTHER
        return [(_location(data, thing, part), mode), *keys(data, thing, READ)]
    return whole(data, thing, mode)


def removal(data: Accesses, thing: Any, key: Any) -> list[Access]:
    """Return the accesses of removing one item."""
    if isinstance(thing, dict | set):
        return [*item(data, thing, key, WRITE), *keys(data, thing, WRITE)]
    return whole(data, thing, WRITE)


def whole(data: Accesses, thing: Any, mode: int) -> list[Access]:
    """Return the accesses of reading or writing all items, those too that are not there.

    Each access of an item of a list reads its length, too, and each of a dictionary's or set's
    reads what stands for all other items.
    """
    is_keyed = isinstance(thing, dict | set)
    parts: Iterable[Hashable] = [_OTHER] if is_keyed else []
    if mode == READ:
        own = (_part(thing, key) for key in thing) if is_keyed else range(min(len(thing), _MOST))
        parts = dict.fromkeys([_OTHER, *own])
    return [*keys(data, thing, mode), *((_location(data, thing, part), mode) for part in parts)]


def keys(data: Accesses, thing: Any, mode: int) -> list[Access]:
    """Return the accesses of reading or changing the keys and the length."""
    return [(_location(data, thing, _KEYS), mode)]


def steps(data: Accesses, thing: Any, *, values: bool) -> Iterator[list[Access]]:
    """Return the accesses of each step of an iteration, for a dictionary with values or without."""
    parts: Iterable[Hashable] = range(_MOST)
    if isinstance(thing, dict | set):
        parts = [_part(thing, key) for key in thing] if values else ()
    items = chain(map(partial(_location, data, thing), parts), repeat(None))
    return ([*keys(data, thing, READ), *([(each, READ)] if each else [])] for each in items)


def method(data: Accesses, thing: Any, name: str, arguments: tuple[Any, ...]) -> list[Access]:
    """Return the accesses of a call of a method."""
    first = arguments[:1]
    if first and isinstance(thing, dict | set):
        key = first[0]
        part = _part(thing, key)
        is_there = part is not _OTHER and _has(thing, key)
        if name in _OF_ITEM:
            return _of_key(data, thing, part, READ)
        if name in {"add", "setdefault"}:
            return item(data, thing, key, READ if is_there else WRITE)
        if name in {"discard", "pop", "remove"}:
            gone = not is_there and part is not _OTHER
            return item(data, thing, key, READ) if gone else removal(data, thing, key)
    return whole(data, thing, READ if name in _READERS else WRITE)


def _of_key(data: Accesses, thing: Any, part: Hashable, mode: int) -> list[Access]:
    others = [] if part is _OTHER else [(_location(data, thing, _OTHER), READ)]
    return [(_location(data, thing, part), mode), *others]


def _has(thing: Any, key: Any) -> bool:
    """Return whether a key is there, without the program's own ``__contains__``."""
    return (dict if isinstance(thing, dict) else set).__contains__(thing, key)


def _location(data: Accesses, thing: Any, part: Hashable) -> Location:
    record = data.record(thing)
    return data.location(record, part, record.kind, _text(record.kind))


def _text(kind: str) -> str:
    return f"the {kind.replace('@', ' made at ', 1)}" if "@" in kind else kind


def _part(thing: Any, key: Any) -> Hashable:
    parts = key if type(key) is tuple else (key,)
    is_own = len(thing) <= _MOST and all(isinstance(each, _SIMPLE) for each in parts)
    return ("item", key) if is_own else _OTHER
