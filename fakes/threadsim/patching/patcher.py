"""The only place where names are swapped, and put back.

A name is swapped wherever it is found: in the dictionaries of all loaded modules and of their
classes, so that ``from time import sleep`` and ``lock_class = Lock`` are reached too. What was kept
elsewhere (a default argument, a closure) stays real.
"""

import time
from collections import deque
from collections.abc import Iterable
from itertools import chain, compress, count, repeat
from operator import is_
from types import BuiltinMethodType, ModuleType
from typing import Any

from freezegun import api

from threadsim.patching.determinism import new_counters
from threadsim.patching.futures import outcomes
from threadsim.patching.module_locks import LockReplacements
from threadsim.patching.patch_sites import PatchSites, is_class, names_of, own_classes
from threadsim.patching.patch_table import REALS, STAND_INS
from threadsim.patching.refusals import of_real_loops, refusals
from threadsim.primitives.threads import looks
from threadsim.primitives.time_functions import kept_elsewhere
from threadsim.runtime.kernel import active

_loaded = PatchSites()

# Stands for what stood under a name that was not there.
_NOTHING = object()


class Patcher:
    """The swapped names of one simulation.

    Args:
        replaced: The real locks and locals that it replaces.
    """

    def __init__(self, replaced: LockReplacements) -> None:
        # Each as owner, name, what stood there and what stands there now.
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._held = replaced

    def install(self, more: Iterable[tuple[Any, str, Any]] = ()) -> None:
        """Put the stand-ins in place of the real objects, everywhere.

        Args:
            more: What to replace beside them: owner, name and new value.
        """
        owners, attributes, values = zip(*_loaded.found(), strict=True)
        stand_ins = list(map(STAND_INS.get, map(id, values)))
        for index in compress(count(), map(is_, stand_ins, repeat(None))):
            stand_ins[index] = self._by(values[index])
        self._undo += zip(owners, attributes, values, stand_ins, strict=True)
        deque(map(_set, owners, attributes, stand_ins), maxlen=0)
        kernel = active()
        assert kernel is not None
        lists = (
            new_counters(),
            outcomes(),
            refusals(),
            of_real_loops(),
            looks(),
            kept_elsewhere(kernel),
            more,
        )
        for change in chain.from_iterable(lists):
            self.swap(*change)

    def _by(self, value: Any) -> Any:
        if isinstance(value, BuiltinMethodType):  # The clock of a class of dates, and virtual now.
            return getattr(value.__self__, value.__name__)
        return self._held.by(value)

    def swap(self, owner: Any, attribute: str, value: Any) -> None:
        """Set an attribute of a module or class until ``uninstall``."""
        before = names_of(owner).get(attribute, _NOTHING)
        self._undo.append((owner, attribute, before, value))
        _set(owner, attribute, value)

    def uninstall(self) -> None:
        """Put everything back, also in modules that were imported or have grown meanwhile."""
        of_modules = dict(REALS)
        if len(api.freeze_factories) > 1:  # Frozen outside, too; that never looks into classes.
            of_time = [change for change in self._undo if change[0] is time]
            of_modules.update((id(value), before) for _, _, before, value in of_time)
        # One after the other: some were swapped twice.
        for owner, attribute, before, value in reversed(self._undo):
            # What the program has put in the place of a stand-in is its own affair.
            if names_of(owner).get(attribute) is not value:
                continue
            if before is _NOTHING:
                delattr(owner, attribute)
            else:
                _set(owner, attribute, before)
        self._undo.clear()
        self._held.put_back()
        for module in _loaded.changed():
            for owner in [module, *own_classes(module)]:
                reals = of_modules if owner is module else REALS
                for attribute, value in _found(owner, reals):
                    _set(owner, attribute, reals[id(value)])


def _set(owner: Any, attribute: str, value: Any) -> None:
    """Set an attribute of a module or class, without asking a metaclass that may refuse."""
    kind = type if is_class(owner) else ModuleType
    try:  # noqa: SIM105  # It is called for every name.
        kind.__setattr__(owner, attribute, value)
    except AttributeError:
        pass  # A property of the metaclass stands before the name, which nobody sees then.


def _found(owner: Any, table: dict[int, Any]) -> list[tuple[str, Any]]:
    """Return the names in a module or class whose value has an ``id`` of the table."""
    names = names_of(owner)
    return list(compress(names.items(), map(table.__contains__, map(id, names.values()))))
