"""The list of checks. ``nox -l`` reads as a table of contents; words after ``--`` are passed on."""

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"
nox.options.sessions = ["tests", "coverage", "lint", "types"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
PROGRAMS = "reference/jobs_synchronizer/documented.py,reference/jobs_synchronizer/corrected.py"
# coverage's report of the two programs, with the path tests that run each line.
OF_PATHS = ("--include", PROGRAMS, "--show-contexts", "--contexts", "^tests/paths/")

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
# What the page of `spec` shows.
SHOWN = (
    "tests/paths",
    "tests/group",
    "tests/contract",
    "tests/explore/test_explore_the_synchronizer.py",
)
LONG = ("tests/explore", "tests/group", "tests/simulation")
PARALLEL = ("-n", "auto", "--dist", "worksteal")


def is_here(version: str) -> bool:
    """Return whether there is such a Python; pyenv has a name on PATH for those it does not run."""
    name = shutil.which(f"python{version}")
    chosen = os.environ.get("PYENV_VERSION", "").split(":")
    return name is not None and (
        Path(name).parent.name != "shims" or any(each.startswith(version) for each in chosen)
    )


RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
HERE = [each for each in PYTHONS if each == RUNNING or is_here(each)]
NEWEST = HERE[-1] if HERE else PYTHONS[-1]
# One that is missing is skipped, unless all are.
nox.options.error_on_missing_interpreters = not HERE


def group(name: str) -> list[str]:
    """Return the packages of a dependency group of ``pyproject.toml``."""
    return list(nox.project.dependency_groups(PROJECT, name))


def specification(session: nox.Session) -> None:
    """Install what the tests need."""
    session.install(".[fakes]", *group("tests"))
    # pytest keeps the tests as it has rewritten them: half of a start, the second time.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""


def patiently(session: nox.Session, *command: str) -> None:
    """Run a command that, at Ctrl-C, has the time to end what it has started."""
    session.run(*command, interrupt_timeout=5, terminate_timeout=2)


def processor_time() -> float:
    """Return what the processes that have ended here took, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the core promises on the newest Python, and on each other what a Python can break."""
    specification(session)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    run = f"build/promises/{session.python}.json"
    begun = processor_time()
    chosen = CORE if session.python == NEWEST else EACH_PYTHON
    session.run("pytest", *chosen, env={"SPEC_RUN": run})
    session.log(f"pytest took {processor_time() - begun:.0f} s of processor time")
    session.run("python", "-m", "spec", run, env={"PYTHONPATH": "scripts"})


@nox.session(python=NEWEST)
def deep(session: nox.Session) -> None:
    """Run the tests that neither `tests` nor `soundness` runs, once, on the newest Python."""
    specification(session)
    session.run("pytest", *PARALLEL, *(f"--ignore={each}" for each in CORE), *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the real ten-job, ten-second scenario, and an app on JobGroup (`-- NAME` runs one)."""
    session.install(".", *group("e2e"))
    session.env["PYTHONPATH"] = "scripts"
    patiently(session, "python", "-m", "e2e", *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """Run jobs on a real Dask cluster: a scheduler and three workers (two minutes)."""
    session.install(".[dask,fakes]", *group("tests"))
    session.run("pytest", "tests/cluster", *session.posargs)


@nox.session(python=NEWEST)
def coverage(session: nox.Session) -> None:
    """Measure `tests` and `deep`, report it and compare it with tests/spec.toml (--accept)."""
    specification(session)
    run, held = "build/promises/all.json", "build/held.json"
    session.run("coverage", "erase")
    # The process that hands the tests out is not measured: it imports neither package.
    session.run("pytest", *PARALLEL, env={"MEASURE_WORKERS": "1", "SPEC_RUN": run})
    session.run("coverage", "combine", "--quiet")
    quietly = ("--quiet", "--fail-under=0")
    session.run("coverage", "html", *quietly)
    # The two programs alone: coverage sorts its index by name, and they would stand in the middle.
    session.run("coverage", "html", *quietly, "--include", PROGRAMS, "-d", "build/programs")
    session.log("pages: build/programs/index.html and build/coverage/index.html")
    session.run("coverage", "report")
    session.run("coverage", "json", *quietly, *OF_PATHS, "-o", held)
    compare = ("python", "-m", "spec", run, "--held", held, *session.posargs)
    session.run(*compare, env={"PYTHONPATH": "scripts"})


@nox.session(python=NEWEST)
def spec(session: nox.Session) -> None:
    """Write build/spec/index.html: what the two programs do, in pictures (two minutes)."""
    specification(session)
    run, held = "build/spec/run.json", "build/spec/held.json"
    session.env["COVERAGE_FILE"] = "build/spec/.coverage"
    session.run("coverage", "erase")
    # The page shows a test that fails, too.
    measured = {"MEASURE_WORKERS": "1", "SPEC_RUN": run}
    session.run("pytest", *PARALLEL, *SHOWN, env=measured, success_codes=[0, 1])
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "json", "--quiet", "--fail-under=0", *OF_PATHS, "-o", held)
    session.env["PYTHONPATH"] = "scripts"
    session.run("python", "-m", "spec", run, "--held", held, "--page", "build/spec/index.html")


@nox.session
def mutants(session: nox.Session) -> None:
    """Change reference/ a little, everywhere: every mutant fails a test (half an hour)."""
    session.install(".[fakes]", *group("mutants"))
    session.run("python", "scripts/mutants.py")


@nox.session(python=NEWEST)
def soundness(session: nox.Session) -> None:
    """Run what takes longest, as explore() beside every order (`-- K/N` runs one part)."""
    specification(session)
    for part in session.posargs or ("1/4", "2/4", "3/4", "4/4"):
        session.run("pytest", *PARALLEL, *LONG, "--soundness", part)


@nox.session(python=NEWEST)
def suites(session: nox.Session) -> None:
    """Run the tests of other libraries in simulations (`-- NAME` runs one)."""
    session.install("rich>=14")
    session.env["PYTHONPATH"] = "scripts"
    patiently(session, "python", "-m", "suites", *session.posargs)


@nox.session(python=NEWEST)
def docs(session: nox.Session) -> None:
    """Build the site into build/site; a warning, a dead link or an old picture fails."""
    session.install(".[fakes]", *group("docs"))
    session.run("python", "-m", "pictures", "--check", env={"PYTHONPATH": "scripts"})
    shutil.rmtree("build/site", ignore_errors=True)
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "-q", "docs", "build/site")
    session.log("the site: build/site/index.html")


@nox.session(python=NEWEST)
def pictures(session: nox.Session) -> None:
    """Draw the pictures of the docs anew, from what the programs do (`-- --check` compares)."""
    session.install(".[fakes]")
    session.run("python", "-m", "pictures", *session.posargs, env={"PYTHONPATH": "scripts"})


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
    """Measure simulations (--threads 100000 for the largest), explorations and JobGroup."""
    session.install(".[fakes]", *group("bench"))
    session.env["PYTHONPATH"] = os.pathsep.join(("scripts", "tests/explore"))
    session.run("python", "-m", "bench", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Run the published app a thousand times: one trace, and nothing left behind (a minute)."""
    session.install(".[fakes]", *group("coverage"))
    session.run("python", "scripts/soak.py", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and check that it holds the three packages and nothing else."""
    session.install(*group("wheel"))
    shutil.rmtree("build/wheel", ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", "build/wheel", ".")
    session.run("check-wheel-contents", "build/wheel")
