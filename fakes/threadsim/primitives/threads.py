"""What ``threading.Thread`` and its relatives do inside a simulation.

Methods are replaced, never the class and never its internals, which differ from one Python to the
next: subclasses, names, ``daemon``, ``excepthook`` and ``enumerate`` are the standard library's.
Outside a simulation, and for real threads, each function is the real one.
"""

import _thread
import _threading_local
import contextvars
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from typing import Any, Self

from threadsim.primitives.builtin_like import native
from threadsim.primitives.timeouts import check_timeout
from threadsim.reporting.thread_table import crashed
from threadsim.reporting.tracebacks import shorten
from threadsim.runtime.errors import NotModelled, SimulationError
from threadsim.runtime.kernel import Kernel, ThreadExit, here
from threadsim.runtime.virtual_thread import VirtualThread

_real_rlock = _thread.RLock
# The default hook takes nothing else, and no module has a name for it.
_UnraisableHookArgs: Any = next(
    each for each in tuple.__subclasses__() if each.__name__ == "UnraisableHookArgs"
)
_get_ident = _thread.get_ident
_count = _thread._count
_start_new_thread = _thread.start_new_thread
_start_joinable_thread: Any = getattr(_thread, "start_joinable_thread", None)
_start = threading.Thread.start
_join = threading.Thread.join
_is_alive = threading.Thread.is_alive
_is_set = threading.Event.is_set


@native("_thread")
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
    virtual = kernel.spawn(
        lambda: _run_python_thread(kernel, self), self.name, daemon=self.daemon, at_end=_forget
    )
    virtual.python_thread = self
    self._virtual = virtual
    self._ident = self._native_id = virtual.ident
    # Python 3.14 and later ask the first whether the thread is over, 3.13 the second, earlier ones
    # the third.
    self._os_thread_handle = self._handle = self._tstate_lock = _Life(virtual)
    threading._active[virtual.ident] = self  # type: ignore[attr-defined]
    self._started._flag = True  # Nobody waits for it: `start` is this one.


@wraps(_join)
def join(self: Any, timeout: float | None = None) -> None:
    """Wait until a thread has ended. See ``Thread.join``."""
    kernel = here()
    points = kernel.points if kernel is not None and self._initialized else None
    if points is not None:
        points.peek_started(self)
        if not self._started._flag:
            # The real one would look again, and may find it started meanwhile.
            raise RuntimeError("cannot join thread before it is started")
    virtual = None if kernel is None else virtual_thread_of(kernel, self)
    if kernel is None or virtual is None or virtual is kernel.running:
        _join(self, timeout)  # The real one has an error for the last.
        return
    if timeout is not None:
        timeout = max(timeout, 0)
        if sys.version_info < (3, 13) and virtual.done:
            timeout = 0  # The real one looks at no time-out then.
        timeout = check_timeout(timeout)
    _wait_for_end(kernel, virtual, timeout)


def _wait_for_end(kernel: Kernel, virtual: VirtualThread, timeout: float | None) -> None:
    deadline = None if timeout is None else kernel.deadline(timeout)
    if (points := kernel.points) is not None:
        points.wait_for_end(virtual, deadline)
        return
    if timeout == 0:
        kernel.count_step()
        return
    waiters = virtual.joiners = virtual.joiners or OrderedDict()
    if not virtual.done:  # Only its end wakes who waits for it.
        kernel.block(
            f"waits for the end of {virtual.name}",
            waiters=waiters,
            blocked=lambda: not virtual.done,
            deadline=deadline,
        )


@wraps(_is_alive)
def is_alive(self: Any) -> bool:
    """Return whether a thread has started and not ended. See ``Thread.is_alive``."""
    kernel = here()
    if kernel is not None and self._initialized and (points := kernel.points) is not None:
        points.peek_alive(self)
    virtual = getattr(self, "_virtual", None)
    if virtual is None:
        # As in join; one that was never made is an error.
        return _is_alive(self) if not self._initialized or self._started._flag else False
    if kernel is not None:
        kernel.count_step()
    return not virtual.done


@wraps(_is_set)
def is_set(self: Any) -> bool:
    """Return an event's flag. See ``Event.is_set``."""
    kernel = here()
    if kernel is not None:
        kernel.count_step()
        if (points := kernel.points) is not None:
            points.peek(self._cond._lock)
    return _is_set(self)


@native("_thread")
def start_new_thread(
    _: object,
    function: Callable[..., object],
    args: tuple[Any, ...],
    /,
    *kwargs: dict[str, Any],
) -> int:
    """Start a bare thread and return its identifier. See ``_thread.start_new_thread``."""
    kernel = here()
    well_formed = callable(function) and isinstance(args, tuple)
    if kernel is None or not well_formed or [type(each) for each in kwargs] not in ([], [dict]):
        # The real one has an error for wrong arguments, before it starts anything.
        return _start_new_thread(function, args, *kwargs)
    if sys.version_info < (3, 13) and (ident := _start_of_thread(function)) is not None:
        return ident
    virtual = kernel.spawn(
        lambda: _run_bare_thread(kernel, function, args, *kwargs),
        # Not its repr, which may hold an address: names stand in the trace.
        getattr(function, "__qualname__", type(function).__qualname__),
        daemon=True,
        at_end=_forget,
    )
    return virtual.ident


@native("_thread")
def start_joinable_thread(_: object, *args: Any, **kwargs: Any) -> Any:
    """Start what the real ``Thread.start`` starts; nothing else calls it."""
    if here() is None:
        return _start_joinable_thread(*args, **kwargs)
    if _start_of_thread(args[0] if args else None) is None:
        raise NotModelled(
            "_thread.start_joinable_thread() has no virtual stand-in. Start a threading.Thread "
            "instead."
        )
    return None


@native("_thread")
def count(_: object) -> int:
    """Return how many virtual threads there are beside the main one. See ``_thread._count``."""
    kernel = here()
    return _count() if kernel is None else len(kernel.threads) - 1


_set_name: Any = getattr(_thread, "set_name", None)


@native("_thread")
def set_name(_: object, *args: Any, **kwargs: Any) -> Any:
    """Set the OS thread's name. All virtual threads are one there, which keeps its name."""
    return _set_name(*args, **kwargs) if here() is None else None


def _start_of_thread(function: Any) -> int | None:
    """Start the thread of which this is the ``_bootstrap``, if it is one, and return its ident.

    Its real ``start`` has come this far: a program has wrapped that one, or kept it elsewhere.
    """
    thread: Any = getattr(function, "__self__", None)
    if not isinstance(thread, threading.Thread) or function != thread._bootstrap:  # type: ignore[attr-defined]
        return None
    start(thread)
    threading._limbo.pop(thread, None)  # type: ignore[attr-defined]  # As _bootstrap would.
    return thread.ident


class local(_threading_local.local):  # noqa: N801  # Named as the real one.
    """``threading.local`` by thread object: the C one knows OS threads only."""

    __slots__ = ("__weakref__",)
    __module__, __qualname__ = "_thread", "_local"

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Self:
        """Make one with a real lock: only real threads can meet at it.

        To an exploration a virtual one would be a place to switch, and what each thread has for
        itself would have an order.
        """
        made = super().__new__(cls, *args, **kwargs)
        object.__getattribute__(made, "_local__impl").locallock = _real_rlock()
        return made

    def __getstate__(self) -> Any:
        # Neither can the real one be copied.
        name = "_thread._local" if type(self) is local else type(self).__name__
        raise TypeError(f"cannot pickle {name!r} object")


def forget(virtual: local) -> None:
    """Let a local be as if no thread had used it."""
    # All anew: of what is only emptied, a thread that goes would still look for its own.
    before = object.__getattribute__(virtual, "_local__impl")
    impl = type(before)()
    impl.localargs, impl.locallock = before.localargs, before.locallock
    object.__setattr__(virtual, "_local__impl", impl)


def looks() -> list[tuple[Any, str, Any]]:
    """Return what looks at others without taking a lock, each as owner, name and what counts it."""
    barrier: Any = threading.Barrier
    return [
        (barrier, name, property(_counted(vars(barrier)[name].fget)))
        for name in ("n_waiting", "broken")
    ]


def _counted(look: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def counted(self: Any) -> Any:
        kernel = here()
        if kernel is not None:
            kernel.count_step()
        return look(self)

    return counted


class _Life:
    """What the real ``Thread`` asks for a virtual thread's state, where a program has kept that.

    Since Python 3.13 it is a handle, before that a lock that is held until the thread ends.
    """

    def __init__(self, virtual: VirtualThread) -> None:
        self._virtual = virtual
        self.ident = virtual.ident

    def is_done(self) -> bool:
        return self._virtual.done

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end; outside a simulation every virtual thread has ended."""
        kernel = here()
        # In a child that a virtual thread has forked, its own life begins anew.
        if kernel is not None and kernel.running is not self._virtual:
            _wait_for_end(kernel, self._virtual, timeout)

    if sys.version_info < (3, 13):

        def acquire(self, block: bool = True, timeout: float = -1) -> bool:
            """Wait for the end, and return whether it has come."""
            self.join(0 if not block else None if timeout == -1 else timeout)
            return self.is_done()

        def release(self) -> None:
            """Take back what ``acquire`` has done, which is nothing."""

    def _at_fork_reinit(self) -> None:
        """Be the same in a forked child."""


def virtual_thread_of(kernel: Kernel, thread: Any) -> VirtualThread | None:
    """Return the virtual thread of a ``threading.Thread``, or ``None``."""
    if getattr(thread, "_ident", None) == kernel.main.ident:
        return kernel.main
    return getattr(thread, "_virtual", None)


def _run_python_thread(kernel: Kernel, thread: Any) -> None:
    # Its trace function is its greenlet's (traces.py); the profile function is the OS thread's.
    try:
        run = thread.run
        if sys.version_info >= (3, 14):
            run = partial(thread._context.run, run)
        run()
    except ThreadExit:
        pass
    except BaseException as error:  # noqa: BLE001  # Whatever ends a thread goes to its excepthook.
        if not kernel.unwinding:
            _note_what_ends_it(kernel, error)
            shorten(error)
            # Whatever the hook raises is told as what a bare thread raises.
            _run_bare_thread(kernel, thread._invoke_excepthook, (thread,))


def _run_bare_thread(
    kernel: Kernel,
    function: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] = {},  # noqa: B006  # It is read only.
) -> None:
    try:
        function(*args, **kwargs)
    except (ThreadExit, SystemExit):
        pass
    except BaseException as error:  # noqa: BLE001  # As above, for unraisablehook.
        if not kernel.unwinding:
            _note_what_ends_it(kernel, error)
            shorten(error)
            _report(kernel, function, error)


def _note_what_ends_it(kernel: Kernel, error: BaseException) -> None:
    if isinstance(error, SimulationError):  # Such as NotModelled: no hook may keep it.
        # What the stall limit raises in a thread says less than what it has kept.
        kernel.fail(kernel.failure or error, f"fails with {type(error).__name__}")
    elif not isinstance(error, SystemExit):
        # A later report may be of who waits for its work.
        kernel.crashed_threads.append(crashed(kernel, error))


def _forget(virtual: VirtualThread) -> None:
    thread: Any = virtual.python_thread
    if sys.version_info < (3, 13) and hasattr(thread, "_is_stopped"):  # They look at it.
        thread._is_stopped = True
        thread._tstate_lock = None
    # A bare thread is there too, once it has asked who it is.
    threading._active.pop(virtual.ident, None)  # type: ignore[attr-defined]


def _report(kernel: Kernel, function: Callable[..., object], error: BaseException) -> None:
    message = "Exception ignored in thread started by"
    hook: Any = sys.unraisablehook
    in_words = sys.version_info >= (3, 13)
    details = _UnraisableHookArgs(
        (
            type(error),
            error,
            error.__traceback__,
            f"{message} {function!r}" if in_words else message,
            None if in_words else function,
        )
    )
    try:
        hook(details)
    except BaseException as again:  # noqa: BLE001  # As Python itself.
        if not kernel.unwinding:
            _print("Exception ignored in sys.unraisablehook", hook, again)


def _print(message: str, thing: object, error: BaseException) -> None:
    with suppress(Exception):  # Without a standard error nobody is told.
        sys.stderr.write(f"{message}: {thing!r}\n")
        traceback.print_exception(error)
