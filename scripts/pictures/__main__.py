"""Write the pictures of the docs, or compare them with ``--check``."""

import argparse
import contextlib
import io
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from jobs_synchronizer import corrected, documented
from pictures import bars, decision, defects, explained, lanes, rooms
from pictures.recording import record

FOLDER = Path("docs/pictures")


def drawn() -> dict[str, str]:
    """Return each picture by the name of its file."""
    fails = {3: 5.0}
    return {
        "timelines": bars.draw(
            "Ten jobs; job 3 raises",
            {
                "The published program": record(documented, fails=fails),
                "The corrected program": record(corrected, fails=fails),
            },
            10.0,
        ),
        "lost_wake_up": lanes.draw(
            "A lost wake-up, as explore shows it",
            explained.failing(defects.lost, "1"),
            ("MainThread", "Thread-1"),
        ),
        "turns": lanes.draw(
            "One thread at a time", explained.turns(), ("MainThread", "first", "second")
        ),
        "clock": explained.clock(),
        "patches": explained.patches(),
        "decision": decision.draw(),
        "rooms": rooms.draw(),
        **defects.drawn(),
    }


@contextlib.contextmanager
def _without_log() -> Iterator[None]:
    """Leave out what APScheduler writes down of each failure that a picture is about."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def main(argv: Sequence[str] | None = None) -> int:
    """Write or compare.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.

    Returns:
        The exit code: 0 when the pictures are as they should be.
    """
    parser = argparse.ArgumentParser(prog="pictures", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    options = parser.parse_args(argv)
    with contextlib.redirect_stdout(io.StringIO()), _without_log():
        pictures = {FOLDER / f"{name}.svg": text for name, text in drawn().items()}
    found = {file: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.svg")}
    if options.check:
        for file in sorted(pictures.keys() | found.keys()):
            if pictures.get(file) != found.get(file):
                print(f"pictures: {file} is not up to date. Run nox -s pictures.")
        return int(pictures != found)
    FOLDER.mkdir(exist_ok=True)
    for file in found.keys() - pictures.keys():
        file.unlink()
    for file, text in pictures.items():
        file.write_text(text, encoding="utf-8")
    print(f"pictures: {len(pictures)} pictures are in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
