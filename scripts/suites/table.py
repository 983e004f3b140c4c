"""Which suites are run, and which of their failures in a simulation are explained."""

import shlex
from dataclasses import dataclass
from pathlib import Path

PYTEST = "pytest==9.2.0"
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Suite:
    """A library's tests.

    Attributes:
        kind: What the library is.
        library: Its name and version on the package index; "python" ships its tests itself.
        options: What pytest is given, in the folder of the source distribution.
        packages: Others that the tests need.
        limit: Longest real time of one run in seconds.
    """

    kind: str
    library: str
    options: str
    packages: str = ""
    limit: float = 240.0

    @property
    def name(self) -> str:
        """The library's name alone."""
        return self.library.partition("==")[0]

    @property
    def requirements(self) -> list[str]:
        """What to install, the library first."""
        library = [self.library] if self.name != self.library else []
        return [*library, *self.packages.split(), PYTEST]

    @property
    def arguments(self) -> list[str]:
        """The options, a word each."""
        return shlex.split(self.options)


_ASYNCIO, _MOCK = "pytest-asyncio==1.5.0", "pytest-mock==3.17.0"
SUITES = (
    Suite("retry", "tenacity==9.2.1", "tests", "tornado==6.6.1"),
    Suite("cache", "cachetools==8.0.2", "tests"),
    Suite("connection pool", "sqlalchemy==2.1.9", "test/engine/test_pool.py"),
    Suite("actors", "pykka==4.5.0", "tests", _MOCK),
    Suite("task queue", "huey==3.5.4", "huey/tests", "peewee==4.5.3"),
    Suite(
        *("task queue", "persist-queue==1.1.0", "persistqueue/tests"),
        f"{_ASYNCIO} aiofiles==25.1.0 aiosqlite==0.22.1 cbor2==6.3.0 msgpack==1.2.4 DBUtils==2.0.3",
    ),
    Suite(
        "circuit breaker",
        "circuitbreaker==2.1.3",
        "tests -o asyncio_mode=auto",
        f"{_ASYNCIO} {_MOCK}",
    ),
    Suite(
        *("rate limiter", "pyrate-limiter==4.5.1"),
        # Those of servers that run elsewhere, and of a package without a wheel for each Python.
        "tests -k 'not redis and not postgres' --ignore tests/test_aiohttp_limiter.py",
        f"{_ASYNCIO} filelock==4.3.1 redis==8.1.0 psycopg[binary,pool]==3.3.9 httpx==0.29.0",
        limit=600.0,
    ),
    Suite("server", "waitress==3.0.2", "tests"),
    Suite(
        *("server", "cheroot==11.1.2"),
        # The others talk to a server through real sockets: each is a StallLimit.
        "cheroot/test/test_server.py cheroot/test/test_makefile.py -k 'threadpool or make' "
        "-p cheroot.test._pytest_plugin -W ignore::pytest.PytestUnknownMarkWarning",
        f"{_MOCK} requests-toolbelt==1.0.0 requests-unixsocket2==1.0.1 pypytools==0.6.2",
    ),
    Suite(
        *("standard library", "python"),
        # Left out: classes kept from the import, which are real (test_locks.py looks them up).
        f"-c ../../pytest.ini {shlex.quote(str(_HERE / 'cpython' / 'test_locks.py'))} --pyargs "
        "test.test_queue test.test_threading_local test.test_sched test.test_threading "
        "test.test_concurrent_futures.test_thread_pool "
        "-k 'not LockTests and not CSimpleQueueTest and not test__all__'",
    ),
)

# At most twelve: the library, a pattern of fnmatch for the ids, and why the test fails.
EXPLAINED = (
    ("huey", "*::test_reschedule_expires", "It wants time to pass between two statements."),
    ("huey", "*::test_pagination", "It wants time to pass between two statements."),
    ("huey", "*::test_consumer_minimal", "It takes the sleep out of a loop, which never waits."),
    ("huey", "*::test_signal_handlers", "signal.getsignal shows a wrapper in a simulation."),
    ("huey", "*::TestForkSafeFlag::test_set_wait", "It waits in select.poll, which is real."),
    ("huey", "*::test_subsecond_timeout", "A signal's timer counts real time: none passes."),
    ("huey", "*::test_sqlite_waits_for_write_lock", "SQLite waits for real, the timer does not."),
    ("python", "*::test_can_interrupt_tight_loops", "Its loop never waits."),
    ("python", "*::MiscTestCase::test_*_name", "All virtual threads are one thread of the OS."),
    ("python", "*::test_PyThreadState_SetAsyncExc*", "All virtual threads are one of the OS."),
    ("python", "*::test_limbo_cleanup", "It replaces a private function of threading."),
    ("python", "*::test_lock_no_subclass", "threading.Lock is a class of threadsim."),
)
