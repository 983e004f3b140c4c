"""Which suites are run, and which of their failures in a simulation are explained."""

from dataclasses import dataclass

PYTEST = "pytest==9.2.0"


@dataclass(frozen=True)
class Suite:
    """A library's tests.

    Attributes:
        name: The library's name on the package index.
        version: Its version; "" if Python itself ships the tests.
        kind: What the library is.
        arguments: What pytest is given, in the folder of the source distribution.
        needs: Other packages that the tests import.
        limit: Longest real time of one run in seconds.
    """

    name: str
    version: str
    kind: str
    arguments: tuple[str, ...]
    needs: tuple[str, ...] = ()
    limit: float = 120.0


SUITES = (
    Suite("tenacity", "9.2.1", "retry", ("tests",), ("tornado",)),
    Suite("cachetools", "8.0.2", "cache", ("tests",)),
    Suite("pykka", "4.5.0", "actors", ("tests",), ("pytest-mock",)),
    Suite(
        "circuitbreaker", "2.1.3", "circuit breaker", ("tests",), ("pytest-asyncio", "pytest-mock")
    ),
    Suite("sqlalchemy", "2.1.9", "connection pool", ("test/engine/test_pool.py",)),
)


@dataclass(frozen=True)
class Explained:
    """A failure in a simulation that is no fault of it.

    Attributes:
        suite: The library's name.
        test: The test's id, or a pattern of ``fnmatch`` for one test with parameters.
        reason: Why it fails, in one sentence.
    """

    suite: str
    test: str
    reason: str


# At most twelve.
EXPLAINED: tuple[Explained, ...] = ()
