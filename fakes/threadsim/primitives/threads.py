"""``threading.Thread`` and bare threads in a simulation.

Methods of ``Thread`` are replaced, and neither the class nor its internals, which differ between
Pythons. Subclasses, names, ``daemon``, ``excepthook`` and ``enumerate`` are the standard library's.
Outside a simulation, and for real threads, each function is the real one.
"""

import _thread
import contextvars
import sys
import threading
from collections.abc import Callable
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any

from threadsim.primitives.builtin_like import builtin_like
from threadsim.primitives.primitive import check_timeout
from threadsim.reporting.thread_table import crashed
from threadsim.reporting.tracebacks import shorten
from threadsim.runtime.errors import SimulationError
from threadsim.runtime.kernel import Kernel, ThreadExit, here
from threadsim.runtime.virtual_thread import VirtualThread

_get_ident, _start_new_thread = _thread.get_ident, _thread.start_new_thread
_start_joinable_thread: Any = getattr(_thread, "start_joinable_thread", _start_new_thread)
_bootstrap: Any = threading.Thread._bootstrap  # type: ignore[attr-defined]
_start, _join, _is_alive = threading.Thread.start, threading.Thread.join, threading.Thread.is_alive
_is_set = threading.Event.is_set


@builtin_like(_get_ident)
def get_ident(_: object) -> int:
    """Return the running thread's identifier; virtual threads have small ones."""
    kernel = here()
    return _get_ident() if kernel is None else kernel.running.ident


@wraps(_start)
def start(self: Any) -> None:
    """Start a thread; it has its turn when the running one waits. See ``Thread.start``."""
    kernel = here()
    if kernel is not None and self._initialized and (points := kernel.points) is not None:
        points.before_start(self)
    if kernel is None or not self._initialized or self._started._flag:
        _start(self)  # The real one has an error for the last two.
        return
    if sys.version_info >= (3, 14) and self._context is None:
        inherits = sys.flags.thread_inherit_context
        self._context = contextvars.copy_context() if inherits else contextvars.Context()
    run = partial(_run_python_thread, kernel, self)
    virtual = kernel.spawn(run, self.name, daemon=self.daemon)
    virtual.python_thread = self
    self._virtual = virtual
    self._ident = self._native_id = virtual.ident
    if sys.version_info >= (3, 13):
        # What the real methods ask. Python 3.13 has the second.
        join = partial(_wait_for_end, kernel, virtual)
        handle = SimpleNamespace(is_done=lambda: virtual.done, join=join)
        self._os_thread_handle = self._handle = handle
    threading._active[virtual.ident] = self  # type: ignore[attr-defined]
    self._started._flag = True  # No thread waits for it: `start` is this function.


@wraps(_join)
def join(self: Any, timeout: float | None = None) -> None:
    """Wait until a thread has ended. See ``Thread.join``."""
    kernel = here()
    if kernel is not None and (points := kernel.points) is not None:
        points.peek_started(self)
        if not self._started._flag:
            # The real one would look again. The thread may have started meanwhile.
            raise RuntimeError("cannot join thread before it is started")
    virtual = None if kernel is None else virtual_thread_of(kernel, self)
    if kernel is None or virtual is None or virtual is kernel.running:
        _join(self, timeout)  # The real one has an error for the last.
    else:
        _wait_for_end(kernel, virtual, timeout)


def _wait_for_end(kernel: Kernel, virtual: VirtualThread, timeout: Any = None) -> None:
    if timeout is not None:
        timeout = check_timeout(max(timeout, 0))
    if (points := kernel.points) is not None:
        points.wait_for_end(virtual, None if timeout is None else kernel.deadline(timeout))
    elif not virtual.done:
        text = f"waits for the end of {virtual.name}"
        kernel.wait(virtual, text, lambda: not virtual.done, timeout)


@wraps(_is_alive)
def is_alive(self: Any) -> bool:
    """Return whether a thread has started and not ended. See ``Thread.is_alive``."""
    kernel = here()
    if kernel is not None and (points := kernel.points) is not None:
        points.peek_alive(self)
    virtual = getattr(self, "_virtual", None)
    if virtual is None:
        return self._started._flag and _is_alive(self)  # The real one would look again, as in join.
    if kernel is not None:
        kernel.count_look()
    return not virtual.done


@wraps(_is_set)
def is_set(self: Any) -> bool:
    """Return an event's flag. See ``Event.is_set``."""
    kernel = here()
    if kernel is not None:
        kernel.count_look()
        if (points := kernel.points) is not None:
            points.peek(self._cond._lock)
    return _is_set(self)


@builtin_like(_start_new_thread)
def start_new_thread(_: object, function: Any, args: Any, kwargs: Any = {}, /) -> int:  # noqa: B006
    """Start a bare thread and return its identifier. See ``_thread.start_new_thread``."""
    kernel = here()
    if kernel is None:
        return _start_new_thread(function, args, kwargs)
    if sys.version_info < (3, 13) and getattr(function, "__func__", None) is _bootstrap:
        return _start_of_wrapper(function)
    call = partial(function, *args, **kwargs)
    run = partial(_run_thread, kernel, call, _report_of_bare_thread)
    # Its name stands in the trace. Its repr may hold an address.
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return kernel.spawn(run, name, daemon=True).ident


@builtin_like(_start_joinable_thread)
def start_joinable_thread(_: object, function: Any, /, **options: Any) -> Any:
    """Start a ``Thread`` for its real ``start``, which a program has wrapped."""
    if here() is None:
        return _start_joinable_thread(function, **options)
    return _start_of_wrapper(function)


def _start_of_wrapper(bootstrap: Any) -> int:
    """Start the thread whose ``_bootstrap`` this is. A program's wrapper calls the real start."""
    thread = bootstrap.__self__
    start(thread)
    threading._limbo.pop(thread, None)  # type: ignore[attr-defined]  # As _bootstrap would.
    return thread.ident  # type: ignore[no-any-return]


def virtual_thread_of(kernel: Kernel, thread: Any) -> VirtualThread | None:
    """Return the virtual thread of a ``threading.Thread``, or ``None``."""
    if getattr(thread, "_ident", None) == kernel.main.ident:
        return kernel.main
    return getattr(thread, "_virtual", None)


def _run_python_thread(kernel: Kernel, thread: Any) -> None:
    run, hook = thread.run, thread._invoke_excepthook
    if sys.version_info >= (3, 14):
        run = partial(thread._context.run, run)
    _run_thread(kernel, run, lambda _: hook(thread))


def _run_thread(kernel: Kernel, run: Callable[[], object], report: Any = None) -> None:
    try:
        run()
    except ThreadExit:
        pass
    except BaseException as error:  # noqa: BLE001  # Any error ends the thread and is reported.
        if kernel.unwinding:
            return
        if isinstance(error, SimulationError):  # Such as NotModelled: no hook may keep it.
            # What the stall limit raises in a thread says less than what it has kept.
            kernel.fail(kernel.failure or error, f"fails with {type(error).__name__}")
        elif not isinstance(error, SystemExit):
            # A later report may be about a thread that waits for this one's work.
            kernel.crashed_threads.append(crashed(kernel, error))
        shorten(error)
        if report is not None:
            _run_thread(kernel, partial(report, error))


def _report_of_bare_thread(error: BaseException) -> None:
    if not isinstance(error, SystemExit):
        args = type(error), error, error.__traceback__, None
        threading.excepthook(threading.ExceptHookArgs(args))
