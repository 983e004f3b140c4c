"""The patcher: puts replacements in the place of real names for a block, and puts these back.

A name is replaced in all loaded modules and their classes, so that ``from time import sleep`` and
``lock_class = Lock`` are replaced too. Default arguments, closures and containers keep real ones.
"""

from collections.abc import Iterable
from itertools import chain
from types import BuiltinMethodType
from typing import Any

from threadsim.patching.determinism import SWAPS as FOR_DETERMINISM
from threadsim.patching.determinism import restart_counters
from threadsim.patching.outside_locks import LockReplacements
from threadsim.patching.outside_walk import OutsideObjects
from threadsim.patching.patch_sites import PatchSites, Site, names_of
from threadsim.patching.patch_table import REALS, REPLACEMENTS
from threadsim.patching.refusals import swaps as for_refusals

_sites = PatchSites()

# The value of a name that is not there.
_MISSING = object()


class Patcher:
    """The names that one block replaces.

    Args:
        locks: The replacements of real locks and locals.
    """

    def __init__(self, locks: LockReplacements) -> None:
        self._locks = locks
        self._outside = OutsideObjects(locks)
        # Site, value before, and value in the block.
        self._undo: list[tuple[Site, Any, Any]] = []

    def install(self, more: Iterable[tuple[Any, str, Any]] = ()) -> None:
        """Replace the names.

        Args:
            more: What to set besides: owner, name and value.
        """
        to_replace, leading = _sites.to_replace()
        for site, value in to_replace:
            replacement = REPLACEMENTS.get(id(value)) or self._replacement(value)
            self._undo.append((site, value, replacement))
            _set(site, replacement)
        restart_counters()
        for each in chain(FOR_DETERMINISM, for_refusals(), more):
            self.swap(*each)
        self._outside.replace(dict(enumerate(leading)))

    def _replacement(self, value: Any) -> Any:
        if type(value) is BuiltinMethodType:  # The clock of a class of dates, which is virtual now.
            return getattr(value.__self__, value.__name__)
        return self._locks.replacement_of(value)

    def swap(self, owner: Any, name: str, value: Any) -> None:
        """Set a name of a module or class until ``uninstall``."""
        site = owner, names_of(owner), name
        self._undo.append((site, site[1].get(name, _MISSING), value))
        _set(site, value)

    def uninstall(self) -> None:
        """Put all names back, also those of modules that the block has imported."""
        for site, before, value in reversed(self._undo):
            owner, names, name = site
            # A value that the program has set in the block stays.
            if names.get(name) is not value:
                continue
            if before is _MISSING:
                delattr(owner, name)
            else:
                _set(site, before)
        self._undo.clear()
        self._outside.put_back()
        self._locks.put_back()
        for owner, names in _sites.imported():
            for name, value in tuple(names.items()):
                if id(value) in REALS:
                    _set((owner, names, name), REALS[id(value)])


def _set(site: Site, value: Any) -> None:
    """Set a name of a module or class, without asking a module or a metaclass that may refuse."""
    owner, names, name = site
    if type(names) is dict:
        names[name] = value
        return
    try:  # noqa: SIM105  # It is called for every name.
        type.__setattr__(owner, name, value)
    except AttributeError:
        pass  # A property of the metaclass hides the name.
