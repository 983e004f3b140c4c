"""Downloads a suite's source distribution and installs its library, once, in a venv of its own."""

import shutil
import sys
import tarfile
import tomllib
from pathlib import Path

from suites.run import run_to_end
from suites.table import PYTEST, Suite

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
    library = [f"{suite.name}=={suite.version}"] if suite.version else []
    with (ROOT / "pyproject.toml").open("rb") as file:
        fakes = tomllib.load(file)["project"]["optional-dependencies"]["fakes"]
    installed = [*library, *suite.needs, PYTEST, *fakes]
    if not done.exists() or done.read_text() != "\n".join(installed):
        shutil.rmtree(home, ignore_errors=True)
        source.mkdir(parents=True)
        # Else a suite without settings of pytest has those of this repository.
        (home / "pytest.ini").touch()
        _command(sys.executable, "-m", "venv", home / "venv")
        pip = (python, "-m", "pip", "--disable-pip-version-check", "-q")
        _command(*pip, "install", *installed)
        if library:
            # What it is built with may come as a wheel.
            only = ("--no-deps", "--no-binary", suite.name)
            _command(*pip, "download", *only, "-d", home, *library)
            [archive_path] = home.glob("*.tar.gz")
            with tarfile.open(archive_path) as archive:
                archive.extractall(source, filter="data")
        done.write_text("\n".join(installed))
    return python, next(source.iterdir()) if library else source


def _command(*command: str | Path) -> None:
    code, output = run_to_end(command, Path.cwd(), LIMIT)
    if code:
        end = "is not over" if code is None else f"ends with {code}"
        raise NotPrepared(f"{' '.join(map(str, command))} {end}:\n{output}")
