"""A program as a process of its own: its output with the time of arrival, and a sure end.

POSIX only: each program leads a process group, and the whole group is ended with it.
"""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

# nox kills a session half a second after Ctrl-C; everything has to be gone by then.
_SECONDS_TO_TERMINATE = 0.2
_TAIL_LINES = 12
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True)
class Line:
    """One line of a program's output.

    Args:
        instant: When it arrived, in seconds of ``time.monotonic``.
        text: The line, without control characters.
    """

    instant: float
    text: str


class Program:
    """A running program whose output is read as it comes.

    Args:
        command: The program and its arguments.
        on_line: Called with each line, in a thread that reads the output.

    Raises:
        OSError: The program cannot be started.
    """

    def __init__(self, command: Sequence[str], on_line: Callable[[Line], None]) -> None:
        self.command = tuple(command)
        self._on_line = on_line
        self._lines: list[Line] = []
        self._changed = threading.Condition()
        # Flask's debug switches would start a second process and no scheduler.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FLASK_", "WERKZEUG_"))
        }
        self._process = subprocess.Popen(  # noqa: S603  # What to run is the caller's choice.
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # Apart from stdout: unbuffered, a print is two writes, and a log line between them
            # would stick to the number that ends the job's line.
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
            start_new_session=True,
        )
        self._streams = [
            stream for stream in (self._process.stdout, self._process.stderr) if stream
        ]
        self._open_streams = len(self._streams)
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), name="reader", daemon=True)
            for stream in self._streams
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The number of the process and of its group."""
        return self._process.pid

    @property
    def lines(self) -> list[Line]:
        """A snapshot of the output so far, in the order of arrival."""
        with self._changed:
            return list(self._lines)

    def wait_for(self, found: Callable[[Sequence[Line]], bool], deadline: float) -> bool:
        """Block until something is in the output, the output ends, or the deadline passes.

        Args:
            found: Says whether it is in these lines.
            deadline: When to give up, in seconds of ``time.monotonic``.

        Returns:
            Whether it was found.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: found(self._lines) or not self._open_streams,
                max(0.0, deadline - time.monotonic()),
            )
            return found(self._lines)

    def exit_code(self, timeout: float = 0.0) -> int | None:
        """Return how the program ended, negative for a signal.

        Args:
            timeout: Longest wait for its end in seconds.

        Returns:
            The exit code, or ``None`` while it runs.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout)
        return None

    def tail(self) -> str:
        """Return the last lines of the output, indented, for the end of an error."""
        texts = [line.text for line in self.lines if line.text]
        return "\n".join(f"    {text}" for text in texts[-_TAIL_LINES:] or ["(no output)"])

    def _read(self, stream: IO[str]) -> None:
        for raw in stream:
            text = _ESCAPE_SEQUENCE.sub("", raw.rstrip("\r\n"))
            line = Line(time.monotonic(), "".join(c if c.isprintable() else "?" for c in text))
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
            self._on_line(line)
        with self._changed:
            self._open_streams -= 1
            self._changed.notify_all()

    def _signal(self, number: signal.Signals) -> None:
        # PermissionError: what macOS says of a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _close(self) -> None:
        self._process.wait()
        for reader, stream in zip(self._readers, self._streams, strict=True):
            reader.join(1.0)
            # A stream held open from outside the group is left to its daemon thread.
            if not reader.is_alive():
                stream.close()


def stop(programs: Iterable[Program]) -> None:
    """End programs and all that they started in their groups: terminate, then kill.

    Args:
        programs: Those to end, all at the same time; one that has ended is no error.
    """
    programs = list(programs)
    for program in programs:
        program._signal(signal.SIGTERM)  # noqa: SLF001  # The other half of this class.
    deadline = time.monotonic() + _SECONDS_TO_TERMINATE
    for program in programs:
        program.exit_code(max(0.0, deadline - time.monotonic()))
    for program in programs:
        program._signal(signal.SIGKILL)  # noqa: SLF001  # As above.
        program._close()  # noqa: SLF001  # As above.


@contextlib.contextmanager
def stopped_at_the_end() -> Iterator[list[Program]]:
    """Give a list for programs, and stop those in it when the block ends, however it ends."""
    programs: list[Program] = []
    try:
        yield programs
    finally:
        stop(programs)
