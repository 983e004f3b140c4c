"""Downloads a suite's source distribution and installs its library, once, in a venv of its own."""

import shutil
import sys
import tarfile
import tomllib
from pathlib import Path

from suites.run import run_to_end
from suites.table import Suite

ROOT = Path(__file__).resolve().parents[2]
# Longest real time of one command in seconds.
LIMIT = 600.0


class NotPrepared(Exception):
    """A suite cannot be downloaded or installed."""


def prepare(suite: Suite, cache: Path) -> tuple[Path, Path]:
    """Return a suite's Python and the folder in which its tests run.

    Args:
        suite: What to download and install, if that has not been done before.
        cache: The folder that keeps it.

    Raises:
        NotPrepared: A command has failed.
    """
    home = cache / f"{sys.version_info.major}.{sys.version_info.minor}" / suite.name
    python, source, done = home / "venv" / "bin" / "python", home / "source", home / "installed"
    with (ROOT / "pyproject.toml").open("rb") as file:
        fakes = tomllib.load(file)["project"]["optional-dependencies"]["fakes"]
    wanted = [*suite.requirements, *fakes]
    if not done.exists() or done.read_text() != "\n".join(wanted):
        shutil.rmtree(home, ignore_errors=True)
        source.mkdir(parents=True)
        # Else a suite without settings of pytest has those of this repository.
        (home / "pytest.ini").touch()
        _command(sys.executable, "-m", "venv", home / "venv")
        pip = (python, "-m", "pip", "--disable-pip-version-check", "-q")
        _command(*pip, "install", *wanted)
        if suite.name != suite.library:
            # What it is built with may come as a wheel.
            only = ("--no-deps", "--no-binary", suite.name)
            _command(*pip, "download", *only, "-d", home, suite.library)
            [archive_path] = home.glob("*.tar.gz")
            with tarfile.open(archive_path) as archive:
                archive.extractall(source, filter="data")
        else:
            (source / suite.name).mkdir()
        done.write_text("\n".join(wanted))
    return python, next(source.iterdir())


def _command(*command: str | Path) -> None:
    code, output = run_to_end(command, Path.cwd(), LIMIT)
    if code:
        raise NotPrepared(f"{' '.join(map(str, command))} ended with {code}:\n{output}")
    if code is None:
        raise NotPrepared(f"{' '.join(map(str, command))} took longer than {LIMIT:g} s")
