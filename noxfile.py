"""The list of checks. ``nox -l`` reads as a table of contents; words after ``--`` are passed on."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "coverage", "lint", "types"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
BUILD = Path("build")
ROOMS = ("reference", "fakes", "tests")
PROGRAMS = "reference/jobs_synchronizer/documented.py,reference/jobs_synchronizer/corrected.py"

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def runs(version: str) -> bool:
    """Return whether there is such a Python; pyenv has a name on PATH for those it does not run."""
    name = shutil.which(f"python{version}")
    if name is None:
        return False
    asked = subprocess.run([name, "-V"], check=False, capture_output=True)  # noqa: S603
    return asked.returncode == 0


PRESENT = [each for each in PYTHONS if each == RUNNING or runs(each)]

if not PRESENT:
    sys.exit(
        f"nox: looked for Python {', '.join(PYTHONS)} and found none of them on PATH. "
        "Install one of them (Debian: apt install python3 python3-venv; macOS: brew install "
        f"python@{PYTHONS[-1]}) and make .venv with it."
    )


def group(name: str) -> list[str]:
    """Return the packages of a dependency group of ``pyproject.toml``."""
    return list(nox.project.dependency_groups(PROJECT, name))


def specification(session: nox.Session) -> list[str]:
    """Install what the tests need, and return the command that runs them."""
    session.install(".[fakes]", *group("tests"))
    # pytest keeps the tests as it has rewritten them: half of a worker's start, the second time.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    # What the other sessions run is tested on one Python alone, with one worker more than there
    # are processors: those tests wait for processes.
    once = session.python == PRESENT[0]
    workers = str((os.cpu_count() or 1) + once)
    chosen = () if once else ("-m", "not once")
    return ["pytest", "-n", workers, "--dist", "worksteal", *chosen, *session.posargs]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the specification on every supported Python that is present."""
    session.run(*specification(session))


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the real ten-job, ten-second scenario, and an app on JobGroup, end to end."""
    session.install(".", *group("e2e"))
    if not session.posargs:
        session.run("python", "scripts/e2e_group.py", interrupt_timeout=5, terminate_timeout=2)
    # Ctrl-C leaves the script the time to stop its programs.
    session.run(
        "python", "scripts/e2e.py", *session.posargs, interrupt_timeout=5, terminate_timeout=2
    )
    if not session.posargs:
        session.run("python", "scripts/readme.py", "e2e", str(BUILD / "e2e" / "report.json"))


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure the tests, report it and compare it with tests/spec.json (--accept writes it)."""
    for version in PRESENT:
        session.notify(f"measure-{version}", [])
    session.notify("report", session.posargs)
    session.log("the tests are measured next, and `report` tells what came of it")


@nox.session(python=PYTHONS)
def measure(session: nox.Session) -> None:
    """Run the specification under coverage (`coverage` does, on every Python)."""
    command = specification(session)
    session.env["COVERAGE_FILE"] = f".coverage.{session.python}"
    paths = BUILD / "paths" / f"{session.python}.json"
    for old in (*Path().glob(f".coverage.{session.python}*"), paths):
        old.unlink(missing_ok=True)
    # The process that hands the tests out is not measured: it imports neither package.
    session.env["MEASURE_WORKERS"] = "1"
    session.env["PATHS_FILE"] = str(paths)
    # To keep which test ran a line takes a fifth of the time, and is the same everywhere.
    session.env["KEEP_TESTS_OF_LINES"] = "1" if session.python == PRESENT[-1] else ""
    try:
        session.run(*command)
    finally:
        # After a failure too: `report` names what is lost.
        session.run("coverage", "combine", "--quiet")


@nox.session
def report(session: nox.Session) -> None:
    """Report what was measured, and compare it (`coverage` does, when all is measured)."""
    sources = [file for room in ROOMS for file in Path(room).rglob("*.py")]
    newest = max(file.stat().st_mtime for file in sources)
    fresh = [
        version
        for version in PYTHONS
        if (BUILD / "paths" / f"{version}.json").exists()
        and Path(f".coverage.{version}").exists()
        and Path(f".coverage.{version}").stat().st_mtime > newest
    ]
    if set(PRESENT) - set(fresh):
        session.error(
            "report: the tests as they are were not measured to their end on every Python that is "
            "here. `nox -s coverage` does both."
        )
    session.install(*group("coverage"))
    # Not beside the runs: what reports combines whatever lies there, and deletes it.
    BUILD.mkdir(exist_ok=True)
    session.env["COVERAGE_FILE"] = str(BUILD / "coverage.data")
    session.log(f"measured on Python {', '.join(fresh)}")
    session.run("coverage", "combine", "--keep", *(f".coverage.{version}" for version in fresh))
    session.run("coverage", "html", "--quiet", "--fail-under=0")
    session.run("coverage", "json", "--quiet", "--fail-under=0")
    session.log(f"pages: {BUILD / 'coverage' / 'index.html'}")
    missing = sorted(set(PYTHONS) - set(fresh))
    if missing:
        session.warn(f"lines that run on Python {', '.join(missing)} only are not measured here")
    # One line in a hundred at most is there for one Python alone.
    session.run("coverage", "report", f"--fail-under={99 if missing else 100}")
    held = str(BUILD / "paths.json")
    session.run(
        *("coverage", "json", "--quiet", "--fail-under=0", "--show-contexts", "-o", held),
        *("--contexts", "^tests/paths/", "--include", PROGRAMS),
    )
    runs = [str(BUILD / "paths" / f"{version}.json") for version in fresh]
    session.run("python", "scripts/spec.py", held, *runs, *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Change reference/ a little, everywhere: every mutant fails a test (half an hour)."""
    session.install(".[fakes]", *group("mutants"))
    session.run("python", "scripts/mutants.py")


@nox.session
def soundness(session: nox.Session) -> None:
    """Compare explore() with and without reduction on every program (an hour; three if slow)."""
    session.install(".[fakes]", *group("tests"))
    if not session.posargs:
        long = ("tests/explore", "tests/group", "--soundness")
        session.run("pytest", *long, "-n", str(os.cpu_count() or 1))
    session.run("python", "scripts/soundness.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, strictly."""
    session.install(".[fakes]", *group("types"))
    session.run("mypy", *session.posargs)


# What explore() is compared with needs Python 3.12.
@nox.session(python=PRESENT[-1])
def bench(session: nox.Session) -> None:
    """Measure simulations and explorations (--threads 100000 for the largest), and JobGroup."""
    session.install(".[fakes]", *group("bench"))
    session.run("python", "scripts/bench.py", *session.posargs)
    session.run("python", "scripts/bench_group.py")


@nox.session
def soak(session: nox.Session) -> None:
    """Run the published app a thousand times: one trace, and nothing left behind (a minute)."""
    session.install(".[fakes]", *group("coverage"))
    session.run("python", "scripts/soak.py", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and check that it holds the two packages and nothing else."""
    target = BUILD / "wheel"
    shutil.rmtree(target, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(target), ".")
    (built,) = target.glob("*.whl")
    rooms = {
        path.relative_to(room).as_posix()
        for room in (Path("reference"), Path("fakes"))
        for path in room.rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    names = {name for name in zipfile.ZipFile(built).namelist() if ".dist-info/" not in name}
    if names != rooms:
        session.error(
            f"wheel: {built.name} should hold the two packages and nothing else; "
            f"missing: {sorted(rooms - names)}, not expected: {sorted(names - rooms)}."
        )
    session.log(f"{built.name} holds {len(names)} files of jobs_synchronizer and apscheduler_fakes")
