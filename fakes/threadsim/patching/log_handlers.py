"""Loggers are the process's: an app that gives one a handler does so in its first schedule only.

Flask does, when it first has an error to log, and takes logging's lock for it. No later schedule
would do the same. So between schedules loggers get the handlers that they had before.
"""

import logging
from operator import attrgetter


class Handlers:
    """The handlers of all loggers, as they are when this is made."""

    def __init__(self) -> None:
        self._before = {id(each): list(each.handlers) for each in _loggers()}
        self._look()

    def put_back(self) -> None:
        """Leave every logger with the handlers that it had, a new one with none."""
        grown = len(logging.root.manager.loggerDict) != self._number
        if grown or list(map(len, self._now)) != self._lengths:
            for logger in _loggers():
                logger.handlers[:] = self._before.get(id(logger), [])
            self._look()

    def _look(self) -> None:
        # Asking for lengths alone is quick.
        self._number = len(logging.root.manager.loggerDict)
        self._now = list(map(attrgetter("handlers"), _loggers()))
        self._lengths = list(map(len, self._now))


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(each for each in known if isinstance(each, logging.Logger))]
