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


class Failure(Exception):  # What it is called in every verdict.
    """A program did not do what it was asked for; the text has the end of its output."""


class Answer(NamedTuple):
    """An HTTP status and its JSON, or text; when it was asked for and came, in seconds."""

    code: int
    body: Any
    sent: float
    came: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.came - self.sent


class Program:
    """A Python program that serves HTTP, on a port of its own choice, while the block is entered.

    Args:
        command: Arguments for the interpreter; ``--host`` and ``--port`` are added.
        on_line: Called with each line of output, in a thread that reads it.
    """

    def __init__(self, *command: str, on_line: Callable[[str], None] = lambda _text: None) -> None:
        # When each line came, in seconds of time.monotonic, and its text.
        self.lines: list[tuple[float, str]] = []
        self._command, self._on_line, self._port = command, on_line, 0
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
                self.lines.append((time.monotonic(), text))
                self._on_line(text)

    def wait_for(self, found: Callable[[], object], seconds: float) -> bool:
        """Wait so long until something is so, or the program has ended; return whether it is so."""
        end = time.monotonic() + seconds
        while not found() and self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        return bool(found())

    def listen(self, seconds: float) -> None:
        """Wait so long until the program listens and answers ``/``, or raise a Failure."""

        def listens() -> bool:
            texts = "\n".join(text for _, text in self.lines[:])
            if found := re.search(rf"Running on http://{HOST}:(\d+)", texts):
                self._port = int(found[1])
            return bool(found)

        if not self.wait_for(listens, seconds):
            raise self._failure("does not listen", seconds)
        self.get("/", seconds)

    def get(self, path: str, seconds: float = 30.0) -> Answer:
        """Ask for a path and wait so long for the answer, or raise a Failure."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=seconds)
        sent = time.monotonic()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"does not answer {path}", seconds) from error
        finally:
            connection.close()
        came = time.monotonic()
        with suppress(ValueError):
            body = json.loads(body)
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
        return "\n".join(f"    {text}" for _, text in self.lines[-12:]) or "    nothing"
