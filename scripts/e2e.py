"""Run the programs end to end: real processes, real ports, ten real seconds.

``nox -s e2e`` runs this. Each scenario starts its program, waits until ``/`` answers, asks
``/run-tasks`` over HTTP while the jobs' printed lines are followed, and holds what it saw against
what is expected. The scenarios run at the same time, each program on a free port of its own; with
``--port`` they run one after the other on that port. Only loopback is contacted, and no process
is left behind.

Into ``build/e2e`` go ``report.json``, ``timeline.svg`` (the first scenario, which is the published
program) and ``timeline-NAME.svg`` (each of the others). The exit code is 0 when everything passed,
1 when something is wrong, 2 for wrong options, 128 and the signal's number after a signal.
"""

import contextlib
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import timeline
import verdict
from display import Display, display_for, say
from interrupts import Interrupted, signals_in_a_queue
from program import Line, Program, stopped_at_the_end
from run import Failure, Run, iterations_in, observe
from scenario import SCENARIOS, Scenario
from settings import Settings, check_python, free_ports, parse


@dataclass(frozen=True)
class Outcome:
    """How one scenario ended.

    Args:
        scenario: What was run.
        run: What was seen, ``None`` without an answer.
        problem: What is wrong, ``None`` when nothing is.
    """

    scenario: Scenario
    run: Run | None
    problem: str | None


def run_together(
    scenarios: tuple[Scenario, ...],
    settings: Settings,
    display: Display,
    messages: "SimpleQueue[Outcome | BaseException] | None" = None,
) -> list[Outcome]:
    """Run scenarios at the same time, and leave no process behind.

    Args:
        scenarios: What to run; more than one needs ``settings.port`` to be ``None``.
        settings: Where and how.
        display: What is told about the run.
        messages: An exception put here ends the run and is raised.

    Returns:
        The outcomes, in the order of the scenarios.
    """
    messages = SimpleQueue() if messages is None else messages
    outcomes: dict[Scenario, Outcome] = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(display)
        try:
            ports = free_ports(settings, len(scenarios))
        except Failure as failure:
            return [Outcome(scenario, None, str(failure)) for scenario in scenarios]
        threads: list[threading.Thread] = []
        stack.callback(_join, threads)
        programs = stack.enter_context(stopped_at_the_end())
        for scenario, port in zip(scenarios, ports, strict=True):
            command = (settings.python, "-u", *scenario.command)
            listen = ("--host", settings.host, "--port", str(port))
            program = Program((*command, *listen), _follower(scenario, display))
            programs.append(program)
            display.started(scenario, program.pid, f"{settings.host}:{port}")
            threads.append(
                threading.Thread(
                    target=_conduct,
                    args=(
                        program,
                        scenario,
                        (settings.loopback, port),
                        settings,
                        display,
                        messages,
                    ),
                    name=scenario.name,
                    daemon=True,
                )
            )
        for thread in threads:
            thread.start()
        while len(outcomes) < len(scenarios):
            message = messages.get()
            if isinstance(message, BaseException):
                raise message
            outcomes[message.scenario] = message
    return [outcomes[scenario] for scenario in scenarios]


def write(outcomes: Sequence[Outcome], output: Path) -> None:
    """Write ``report.json`` and the pictures of the runs that were answered, in place of old ones.

    Args:
        outcomes: How the scenarios ended; the first one's figures are the report's own.
        output: The folder.
    """
    output.mkdir(parents=True, exist_ok=True)
    for name in ("report.json", "timeline.svg", *(f"timeline-{s.name}.svg" for s in SCENARIOS)):
        (output / name).unlink(missing_ok=True)
    reports: dict[str, dict[str, Any]] = {}
    for outcome in outcomes:
        if outcome.run is None:
            continue
        name = outcome.scenario.name
        figures = None if outcome.problem else verdict.figures(outcome.run)
        reports[name] = {"problem": outcome.problem, "figures": figures, **outcome.run.report()}
        picture = "timeline.svg" if outcome is outcomes[0] else f"timeline-{name}.svg"
        title = f"{name}: python {' '.join(Path(word).name for word in outcome.scenario.command)}"
        (output / picture).write_text(timeline.draw(reports[name], title), encoding="utf-8")
    if reports:
        first = outcomes[0].scenario.name
        report = {
            "times": "seconds since the request was sent; a job's start is its first printed line "
            "less the mean gap between its lines",
            "scenario": first,
            **reports.pop(first, {}),
            "scenarios": reports,
        }
        text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
        (output / "report.json").write_text(text, encoding="utf-8")


def main(argv: Sequence[str] | None = None, scenarios: tuple[Scenario, ...] = SCENARIOS) -> int:
    """Run the chosen scenarios and print their verdicts.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
        scenarios: What can be chosen.

    Returns:
        The exit code.
    """
    options = parse(argv, [scenario.name for scenario in scenarios])
    settings: Settings = options.settings
    chosen = tuple(scenario for scenario in scenarios if scenario.name in options.programs)
    batches = [(scenario,) for scenario in chosen] if settings.port else [chosen]
    began = time.monotonic()
    outcomes: list[Outcome] = []
    with signals_in_a_queue() as messages:
        try:
            check_python(settings.python)
            _write([], options.output)
            for batch in batches:
                display = display_for(batch)
                outcomes += run_together(batch, settings, display, messages)
                for outcome in outcomes[-len(batch) :]:
                    if outcome.run is not None and outcome.problem is None:
                        figures = verdict.figures(outcome.run)
                        display.passed(outcome.scenario, outcome.run.wall_seconds, figures)
            _write(outcomes, options.output)
        except Interrupted as interrupted:
            name = signal.Signals(interrupted.number).name
            say(f"e2e: {name} came before the end; every program was stopped.", sys.stderr)
            return 128 + interrupted.number
        except Failure as failure:
            say(str(failure), sys.stderr)
            return 1
    problems = dict.fromkeys(outcome.problem for outcome in outcomes if outcome.problem)
    for problem in problems:
        say(problem, sys.stderr)
    passed = sum(outcome.problem is None for outcome in outcomes)
    answered = any(outcome.run for outcome in outcomes)
    where = f"; report and pictures are in {options.output}" if answered else ""
    say(
        f"{passed} of {len(chosen)} scenarios passed in {time.monotonic() - began:.1f} s{where}",
        sys.stdout,
    )
    return 1 if problems else 0


def _write(outcomes: Sequence[Outcome], output: Path) -> None:
    try:
        write(outcomes, output)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure(
            f"e2e: tried to write to {output}, but {reason}; choose another folder with --output."
        ) from None


def _follower(scenario: Scenario, display: Display) -> Callable[[Line], None]:
    def follow(line: Line) -> None:
        for task, _ in iterations_in(line.text):
            display.iteration(scenario, task)

    return follow


def _conduct(  # noqa: PLR0917  # The body of a thread.
    program: Program,
    scenario: Scenario,
    address: tuple[str, int],
    settings: Settings,
    display: Display,
    messages: "SimpleQueue[Outcome | BaseException]",
) -> None:
    try:
        run = observe(
            program,
            scenario,
            address,
            timeout=settings.timeout,
            on_asked=lambda: display.asked(scenario),
        )
        messages.put(Outcome(scenario, run, verdict.problem(scenario, run)))
    except Failure as failure:
        messages.put(Outcome(scenario, None, str(failure)))
    except BaseException as error:  # noqa: BLE001  # Raised again there.
        messages.put(error)


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        if thread.ident is not None:
            # The programs are gone and with them every connection to wait for.
            thread.join(1.0)


if __name__ == "__main__":
    sys.exit(main())
