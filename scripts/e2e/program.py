"""A program as a process of its own: what it prints, and when; it ends with the block (POSIX)."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, NamedTuple, Self

import click

HOST = "127.0.0.1"
# How often the output is looked at, in seconds.
LOOK = 0.01


class Failure(Exception):  # What it is called in every verdict.
    """A program did not do what it was asked for; the text has the end of its output."""


class Line(NamedTuple):
    """A line of output.

    Attributes:
        instant: When it came, in seconds of ``time.monotonic``.
        text: The line.
    """

    instant: float
    text: str


class Answer(NamedTuple):
    """What came back.

    Attributes:
        code: The HTTP status.
        body: The JSON, or the text where it is none.
        sent: When the request was sent, in seconds of ``time.monotonic``.
        came: When the answer was there.
    """

    code: int
    body: Any
    sent: float
    came: float


class Program:
    """A Python program that serves HTTP, on a port of its own choice, while the block is entered.

    Args:
        command: Arguments for the interpreter; ``--host`` and ``--port`` are added.
        on_line: Called with each line of output, in a thread that reads it.
    """

    def __init__(self, *command: str, on_line: Callable[[str], None] = lambda _text: None) -> None:
        self.lines: list[Line] = []
        self._command = command
        self._on_line = on_line
        # Flask's debug switches would start a second process and no scheduler.
        own = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
        self._process = subprocess.Popen(  # noqa: S603  # Our own programs.
            [sys.executable, *command, "--host", HOST, "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # Apart: a print is two writes, and a log line between them would look like its end.
            stderr=subprocess.PIPE,
            text=True,
            env={**own, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        streams = filter(None, (self._process.stdout, self._process.stderr))
        self._readers = [threading.Thread(target=self._read, args=(each,)) for each in streams]
        self._port = 0

    def __enter__(self) -> Self:
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The whole group, for what it has started. PermissionError is what macOS says of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for reader in self._readers:
            reader.join()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                text = click.unstyle(line.rstrip())
                self.lines.append(Line(time.monotonic(), text))
                self._on_line(text)

    def wait_for(self, found: Callable[[], object], seconds: float) -> bool:
        """Wait until something is so, or the program has ended; return whether it is so.

        Args:
            found: Says whether it is so.
            seconds: The longest wait.
        """
        end = time.monotonic() + seconds
        while not found() and self._process.poll() is None and time.monotonic() < end:
            time.sleep(LOOK)
        return bool(found())

    def listen(self, seconds: float) -> None:
        """Wait until the program listens and answers ``/``.

        Args:
            seconds: The longest wait.

        Raises:
            Failure: It does not.
        """

        def port() -> bool:
            ports = (re.search(rf"Running on http://{HOST}:(\d+)", e.text) for e in self.lines[:])
            self._port = next((int(found[1]) for found in ports if found), 0)
            return bool(self._port)

        if not self.wait_for(port, seconds):
            raise self._failure("does not listen", seconds)
        self.get("/", seconds)

    def get(self, path: str, seconds: float = 30.0) -> Answer:
        """Ask for a path and wait for the answer.

        Args:
            path: The path and its query.
            seconds: The longest wait.

        Raises:
            Failure: There is no answer.
        """
        connection = http.client.HTTPConnection(HOST, self._port, timeout=seconds)
        sent = time.monotonic()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"does not answer {path}", seconds) from error
        finally:
            connection.close()
        came = time.monotonic()
        body = text
        with suppress(ValueError):
            body = json.loads(text)
        return Answer(response.status, body, sent, came)

    def _failure(self, what: str, seconds: float) -> Failure:
        # A connection breaks a moment before its process has ended, and its output comes after.
        for reader in self._readers:
            reader.join(0.2)
        code = self._process.poll()
        why = f"within {seconds:g} s" if code is None else f"and ended with exit code {code}"
        return Failure(f"python {' '.join(self._command)} {what} {why}; it wrote\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of the output, indented."""
        return "\n".join(f"    {line.text}" for line in self.lines[-12:]) or "    nothing"
