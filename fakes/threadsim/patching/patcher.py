"""The patcher: puts replacements in the place of real names for a block, and puts these back.

A name is replaced in all loaded modules and their classes, so that ``from time import sleep`` and
``lock_class = Lock`` are replaced too. Default arguments, closures and containers keep real ones.
"""

import sys
from collections.abc import Iterable
from itertools import chain
from typing import Any

from threadsim.patching.determinism import SWAPS as FOR_DETERMINISM
from threadsim.patching.determinism import restart_counters
from threadsim.patching.outside_locks import LockReplacements
from threadsim.patching.outside_walk import makes_locks, places, walk
from threadsim.patching.patch_sites import Site, imported, read, site_of, sites, write
from threadsim.patching.patch_table import REALS, REPLACEMENTS, is_lock, is_replaced
from threadsim.patching.refusals import swaps as for_refusals
from threadsim.runtime.errors import NotModelled


class Patcher:
    """What one block replaces.

    Attributes:
        locks: The replacements of real locks and locals.
    """

    def __init__(self) -> None:
        self.locks = LockReplacements()
        # Site, value before, and value in the block.
        self._undo: list[tuple[Site, Any, Any]] = []
        self._at_entry: list[Any] = []

    def install(self, more: Iterable[tuple[Any, str, Any]] = ()) -> None:
        """Replace the names.

        Args:
            more: What to set besides: owner, name and value.
        """
        self._at_entry = list(sys.modules.values())
        in_libraries, of_user = sites(self._at_entry)
        for site in in_libraries:
            if is_replaced(value := read(site)):
                self._replace(site, value)
        restart_counters()
        for each in chain(FOR_DETERMINISM, for_refusals(), more):
            self.swap(*each)
        for _, site, value in walk([("", site, read(site)) for site in of_user], deep=False):
            self._replace(site, value)

    def replace_outside(self, names: dict[str, Any], call: str) -> None:
        """Replace what an exploration finds from some names on.

        Args:
            names: The names.
            call: What refuses a lock in a place where it cannot be replaced.

        Raises:
            NotModelled: A lock is in such a place.
        """
        for path, site, value in walk(places(names), deep=True):
            if site is not None:
                self._replace(site, value)
            elif makes_locks(value) or (
                is_lock(value) and self.locks.replacement_of(value) is not value
            ):
                kind = value if callable(value) else type(value)
                raise NotModelled(
                    f"{call}: the {kind.__name__} at {path} was made outside and cannot be "
                    "replaced there. Make it inside the program, or keep it in an attribute, a "
                    "list or the values of a dict."
                )

    def _replace(self, site: Site, value: Any) -> None:
        self._set(site, value, REPLACEMENTS.get(id(value)) or self.locks.replacement_of(value))

    def swap(self, owner: Any, name: str, value: Any) -> None:
        """Set a name of a module or class until ``uninstall``."""
        site = site_of(owner, name)
        self._set(site, read(site), value)

    def _set(self, site: Site, before: Any, value: Any) -> None:
        if value is not before:
            self._undo.append((site, before, value))
            write(site, value)

    def uninstall(self) -> None:
        """Put all values back when the block ends, also in modules that it has imported."""
        for site, before, value in reversed(self._undo):
            # A value that the program has set in the block stays.
            if read(site) is not value:
                continue
            if before is None:  # Nothing was there.
                _, names, name = site
                del names[name]
            else:
                write(site, before)
        self._undo.clear()
        self.locks.put_back()
        for owner, names in imported(self._at_entry):
            for name, value in tuple(names.items()):
                if id(value) in REALS:
                    write(site_of(owner, name), REALS[id(value)])
