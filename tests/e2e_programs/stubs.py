"""Programs that are not the published one, from the standard library alone.

``python stubs.py FAULT --host H --port P``; each fault is a function of this file.
"""
# ruff: noqa: T201  # Printed lines are what e2e follows.

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer


def wrong_answer(host: str, port: int) -> None:
    """Answer with one status twice and another one not at all."""
    statuses = [f"Task {i} completed execution" for i in (0, 0, 2, 3, 4, 5, 6, 7, 8, 9)]
    _serve(host, port, lambda: (200, json.dumps(statuses)))


def error_answer(host: str, port: int) -> None:
    """Answer with a status 500."""
    _serve(host, port, lambda: (500, "oops"))


def never_answers(host: str, port: int) -> None:
    """Take the request and never answer it, and do not end when told to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def wait() -> tuple[int, str]:
        time.sleep(60)
        return 200, ""

    _serve(host, port, wait)


def dies(host: str, port: int) -> None:
    """End at once, in colour."""
    sys.exit(f"\x1b[31mno settings for {host} and port {port}\x1b[0m")


def dies_when_asked(host: str, port: int) -> None:
    """End in the middle of the request."""

    def die() -> tuple[int, str]:
        print("out of memory")
        # Not an exception: the server would survive it.
        os._exit(9)

    _serve(host, port, die)


def stranger(host: str, port: int) -> None:
    """Listen without ever saying so, as someone else's program does, and tell of visitors."""
    with socket.create_server((host, port)) as server:
        print("listens")
        server.accept()
        print("was contacted")
        time.sleep(60)


def _serve(host: str, port: int, run_tasks: Callable[[], tuple[int, str]]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, text = run_tasks() if self.path == "/run-tasks" else (200, "Welcome")
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

    with HTTPServer((host, port), Handler) as server:
        print(f"Running on http://{host}:{port}")
        server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    options = parser.parse_args()
    globals()[options.fault](options.host, options.port)
