"""Where and how the programs run: the options, and whether they can be followed."""

import argparse
import contextlib
import errno
import ipaddress
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from run import Failure


@dataclass(frozen=True)
class Settings:
    """Where and how the programs run.

    Args:
        python: The interpreter that runs them.
        host: The address they listen on.
        port: Their port; ``None`` finds a free one for each.
        timeout: Longest wait in seconds for a program's start, and again for its answer.
    """

    python: str = sys.executable
    host: str = "127.0.0.1"
    port: int | None = None
    timeout: float = 30.0

    @property
    def loopback(self) -> str:
        """The address to ask: the loopback one, also for a program that listens everywhere."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # Read, not bound.


def parse(argv: Sequence[str] | None, names: Sequence[str]) -> argparse.Namespace:
    """Read the options.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
        names: The scenarios that can be chosen.

    Returns:
        ``programs`` (names), ``output`` (a folder) and ``settings``.

    Raises:
        SystemExit: An option cannot be followed; the sentence about it was printed.
    """
    parser = argparse.ArgumentParser(
        prog="e2e", description="Run the programs end to end: real processes, real seconds."
    )
    parser.add_argument(
        "--program",
        nargs="+",
        choices=names,
        default=names,
        dest="programs",
        metavar="NAME",
        help=f"what to run, of {', '.join(names)} (default: all)",
    )
    parser.add_argument("--host", default="127.0.0.1", type=_host, help="loopback or 0.0.0.0")
    parser.add_argument("--port", type=_port, help="run one after the other here, as 12345")
    parser.add_argument(
        "--timeout",
        default=30.0,
        type=_seconds,
        help="longest wait for a start, and again for an answer, in seconds (default: 30)",
    )
    parser.add_argument("--python", default=sys.executable, help="interpreter of the programs")
    parser.add_argument(
        "--output", default=Path("build/e2e"), type=Path, help="folder (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    options.settings = Settings(options.python, options.host, options.port, options.timeout)
    return options


def _host(text: str) -> str:
    host = "127.0.0.1" if text == "localhost" else text
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_loopback or address.is_unspecified:
            return host
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither a loopback address nor 0.0.0.0, and nothing else is contacted; "
        "leave --host out for 127.0.0.1."
    )


def _port(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 1 <= int(text) <= 65535:  # noqa: PLR2004  # The ports of TCP.
            return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no port; give a number from 1 to 65535, or leave --port out for a free one."
    )


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= threading.TIMEOUT_MAX:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no time; give seconds above 0.")


def free_ports(settings: Settings, count: int) -> list[int]:
    """Find ports on which programs can listen.

    Args:
        settings: The host, and the port if one is wanted.
        count: How many.

    Returns:
        The wanted port, or free ones.

    Raises:
        Failure: The wanted port is taken, or the host is none of this machine's.
    """
    with contextlib.ExitStack() as held:
        if settings.port is None:
            held_ports = [held.enter_context(_listener(settings.host, 0)) for _ in range(count)]
            return [listener.getsockname()[1] for listener in held_ports]
    # macOS lets a program listen everywhere while another one listens on loopback, and it is
    # the other one that is reached there.
    for host in dict.fromkeys((settings.loopback, settings.host)):
        _listener(host, settings.port).close()
    return [settings.port] * count


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # As the programs' server does: a port whose last connection has just closed is free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        advice = (
            "stop the program that has that port, or leave --port out for a free one"
            if error.errno == errno.EADDRINUSE
            else "choose another --host or --port"
        )
        raise Failure(
            f"e2e: tried to listen on {host}:{port}, but {(error.strerror or str(error)).lower()}; "
            f"{advice}."
        ) from None
    return listener


def check_python(python: str) -> None:
    """See that an interpreter starts and has the project.

    Args:
        python: The interpreter.

    Raises:
        Failure: It does not start, or the project is not installed in it.
    """
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('jobs_synchronizer') is None)"
    try:
        # A session of its own: Ctrl-C ends this run, and must not look like a missing package.
        answer = subprocess.run(  # noqa: S603  # The interpreter is the caller's choice.
            [python, "-c", code],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or "it did not end within 30 s"
        raise Failure(
            f"e2e: tried to start {python!r} as the programs' interpreter, but {reason.lower()}; "
            "give a Python with --python, or leave that out for the one that runs this."
        ) from None
    if answer.returncode:
        raise Failure(
            f"e2e: looked for jobs_synchronizer in {python!r}, but it is not installed there; "
            "install the project in it, or run nox -s e2e, which does."
        )
