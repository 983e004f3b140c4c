"""The list of checks. ``nox -l`` reads as a table of contents; words after ``--`` are passed on."""

import os
import resource
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
PROGRAMS = "reference/jobs_synchronizer/documented.py,reference/jobs_synchronizer/corrected.py"

CONTRACTS = [
    f"tests/simulation/test_{each}_contract.py"
    for each in ("futures", "locks", "queues", "threads")
]
# What a Python can break.
EACH_PYTHON = (
    *("tests/paths", "tests/contract", *CONTRACTS),
    *("tests/simulation/test_time_model.py", "tests/simulation/test_pythons.py"),
    *("tests/simulation/test_determinism.py", "tests/simulation/test_recorded_traces.py"),
)
# What every user runs: that, FakeScheduler and Clock, the endings of a job, the explored
# synchronizer, the known-bad programs and the README.
CORE = (
    *(*EACH_PYTHON, "tests/test_known_bad.py", "tests/test_readme.py"),
    *("tests/fakes/test_fake_scheduler.py", "tests/fakes/test_fake_scheduler_faults.py"),
    *("tests/fakes/test_clock.py", "tests/explore/test_explore_the_synchronizer.py"),
    *("tests/group/test_jobs_that_run.py", "tests/group/test_jobs_that_do_not_run.py"),
    *("tests/group/test_refused_before_the_wait.py", "tests/group/test_pending_at_the_deadline.py"),
)
LONG = ("tests/explore", "tests/group", "tests/simulation")
WORKERS = str(os.cpu_count() or 1)

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
        "python@3.14) and make .venv with it."
    )


NEWEST = PRESENT[-1]


def path_results() -> list[Path]:
    """Return what `tests` has written down of the paths on each Python since the last change."""
    sources = [
        each for room in ("reference", "fakes", "tests") for each in Path(room).rglob("*.py")
    ]
    changed = max(each.stat().st_mtime for each in sources)
    results = (BUILD / "paths").glob("3.*.json")
    return sorted(each for each in results if each.stat().st_mtime > changed)


def group(name: str) -> list[str]:
    """Return the packages of a dependency group of ``pyproject.toml``."""
    return list(nox.project.dependency_groups(PROJECT, name))


def specification(session: nox.Session) -> None:
    """Install what the tests need."""
    session.install(".[fakes]", *group("tests"))
    # pytest keeps the tests as it has rewritten them: half of a start, the second time.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the core promises on the newest Python, and on each other what a Python can break."""
    specification(session)
    chosen = session.posargs or (CORE if session.python == NEWEST else EACH_PYTHON)
    if not session.posargs:
        session.env["PATHS_FILE"] = str(BUILD / "paths" / f"{session.python}.json")
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    session.run("pytest", *chosen)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - begun.ru_utime - begun.ru_stime
    session.log(f"pytest took {seconds:.0f} s of processor time")
    if session.python == NEWEST and not session.posargs:
        session.run("python", "scripts/spec.py", "--same", *map(str, path_results()))


@nox.session(python=NEWEST)
def deep(session: nox.Session) -> None:
    """Run the tests that neither `tests` nor `soundness` runs, once, on the newest Python."""
    specification(session)
    others = [f"--ignore={each}" for each in CORE]
    session.run("pytest", "-n", WORKERS, "--dist", "worksteal", *others, *session.posargs)


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


@nox.session(python=NEWEST)
def coverage(session: nox.Session) -> None:
    """Measure `tests` and `deep`, report it and compare it with tests/spec.json (--accept)."""
    specification(session)
    BUILD.mkdir(exist_ok=True)
    results = BUILD / "paths" / f"{NEWEST}.json"
    for old in (*Path().glob(".coverage*"), results):
        old.unlink(missing_ok=True)
    # The process that hands the tests out is not measured: it imports neither package.
    session.env.update(MEASURE_WORKERS="1", PATHS_FILE=str(results))
    try:
        session.run("pytest", "-n", WORKERS, "--dist", "worksteal")
    finally:  # After a failure too: the report names what is lost.
        session.run("coverage", "combine", "--quiet")
    session.run("coverage", "html", "--quiet", "--fail-under=0")
    # The two programs alone: coverage sorts its index by name, and they would stand in the middle.
    of_programs = ("--include", PROGRAMS, "-d", str(BUILD / "programs"))
    session.run("coverage", "html", "--quiet", "--fail-under=0", *of_programs)
    session.log(f"pages: {BUILD / 'programs' / 'index.html'} and {BUILD / 'coverage'}/index.html")
    session.run("coverage", "report")
    held = str(BUILD / "paths.json")
    session.run(
        *("coverage", "json", "--quiet", "--fail-under=0", "--show-contexts", "-o", held),
        *("--contexts", "^tests/paths/", "--include", PROGRAMS),
    )
    session.run("python", "scripts/spec.py", held, str(results), *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Change reference/ a little, everywhere: every mutant fails a test (half an hour)."""
    session.install(".[fakes]", *group("mutants"))
    session.run("python", "scripts/mutants.py")


@nox.session(python=NEWEST)
def soundness(session: nox.Session) -> None:
    """Run what takes longest, as explore() beside every order (`-- K/N` runs one part)."""
    specification(session)
    parts = session.posargs or [f"{number}/4" for number in range(1, 5)]
    for part in parts:
        session.run("pytest", *LONG, "--soundness", part, "-n", WORKERS, "--dist", "worksteal")
        session.run("python", "scripts/parts.py", part, external=True)


@nox.session(python=NEWEST)
def suites(session: nox.Session) -> None:
    """Run the tests of other libraries in simulations (`-- NAME` runs one)."""
    session.install("rich>=14")
    run = ("python", "-m", "suites", *session.posargs)
    # Ctrl-C leaves it the time to end what it has started.
    session.run(*run, env={"PYTHONPATH": "scripts"}, interrupt_timeout=5, terminate_timeout=2)


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
@nox.session(python=NEWEST)
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
    """Build the wheel and check that it holds the three packages and nothing else."""
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
            f"wheel: {built.name} should hold the three packages and nothing else; "
            f"missing: {sorted(rooms - names)}, not expected: {sorted(names - rooms)}."
        )
    session.log(f"{built.name} holds {len(names)} files of its three packages")
