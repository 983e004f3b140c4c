"""Run the programs end to end, and an app on JobGroup: real processes, ten real seconds.

Into ``build/e2e`` go ``report.json`` and a picture of each run. Returns 0 when everything passed,
1 when something is wrong, 2 for wrong options, 130 after Ctrl-C; no process is left behind.
"""

import argparse
import json
import re
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from rich.progress import Progress, TaskID

from e2e import group
from e2e.picture import draw
from e2e.program import Failure, Program
from e2e.scenarios import SCENARIOS, SLACK, Run, Scenario, iterations_in, problems, run_of
from progress import progress

OUTPUT = Path("build/e2e")
README = Path("README.md")


def conduct(scenario: Scenario, program: Program, timeout: float) -> Run | str:
    """Ask a program once for ``/run-tasks`` and follow its jobs to their end.

    Returns:
        What was seen, or why there is no answer.
    """
    try:
        program.listen(timeout)
        answer = program.get("/run-tasks", timeout)
    except Failure as failure:
        return f"{scenario.name}: {failure}"

    # The last lines may come after the answer; after a time-out the jobs run on.
    def complete() -> bool:
        ended = sum(len(iterations_in(text)) for _, text in program.lines)
        return ended >= sum(scenario.iterations)

    end = max(answer.sent + scenario.job_seconds, answer.came)
    program.wait_for(complete, end + SLACK - time.monotonic())
    return run_of(answer, program.lines)


def run(scenarios: Sequence[Scenario], timeout: float, bars: Progress) -> list[Run | str]:
    """Run scenarios at the same time, and leave no process behind."""
    # The programs end first, which ends each wait for them.
    with ThreadPoolExecutor(len(scenarios)) as pool, ExitStack() as stack:
        waits = []
        for scenario in scenarios:
            bar = bars.add_task(scenario.name, total=sum(scenario.iterations))

            def tell(text: str, bar: TaskID = bar) -> None:
                bars.advance(bar, len(iterations_in(text)))

            program = stack.enter_context(Program(*scenario.command, on_line=tell))
            waits.append(pool.submit(conduct, scenario, program, timeout))
        return [wait.result() for wait in waits]


def write(runs: dict[str, Run], output: Path) -> None:
    """Write the report, and a picture of each run, in place of old ones."""
    output.mkdir(parents=True, exist_ok=True)
    report = {}
    for name, seen in runs.items():
        jobs = [
            {"id": f"j{each.number}", "started": each.started, "iterations": each.ticks}
            for each in seen.jobs
        ]
        report[name] = {"figures": str(seen), "seconds": seen.seconds, "jobs": jobs}
        (output / f"{name}.svg").write_text(draw(seen, name), encoding="utf-8")
    (output / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


def as_in_the_readme(said: Sequence[str], readme: str) -> bool:
    """Return whether the last line is the README's, and its times are within a second."""
    (shown,) = re.findall(r"<!-- e2e -->\n```text\n(.*?)\n```", readme, re.DOTALL)
    number = re.compile(r"\d+\.\d+")
    times = zip(number.findall(said[-1]), number.findall(shown), strict=False)
    return number.sub("", said[-1]) == number.sub("", shown) and all(
        abs(float(one) - float(other)) <= 1 for one, other in times
    )


def main(argv: Sequence[str] | None = None, scenarios: Sequence[Scenario] = SCENARIOS) -> int:
    """Run what is chosen and print the verdicts.

    Args:
        argv: Command-line arguments; ``None`` takes those of the process.
        scenarios: What can be chosen.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="e2e", description="Run the programs end to end.")
    names = [each.name for each in scenarios] + ["group"]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--timeout", type=float, default=30.0, help="in seconds (default: 30)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder (default: %(default)s)")
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(names):
        parser.error(f"{', '.join(sorted(unknown))}: the scenarios are {', '.join(names)}")
    wanted = options.names or names
    wrong = group.run() if "group" in wanted else []
    chosen = [each for each in scenarios if each.name in wanted]
    begun, said, runs, passed = time.monotonic(), list[str](), dict[str, Run](), 0
    with progress() as bars:
        results = run(chosen, options.timeout, bars) if chosen else []
    for scenario, seen in zip(chosen, results, strict=True):
        found = [seen] if isinstance(seen, str) else [*problems(scenario, seen)]
        if isinstance(seen, Run):
            runs[scenario.name] = seen
            verdict = "FAILED" if found else "ok"
            said.append(f"{scenario.name:<10}  {verdict}  {seen.seconds:>5.2f} s  {seen}")
        passed += not found
        wrong += found
    write(runs, options.output)
    said.append(
        f"{passed} of {len(chosen)} scenarios passed in {time.monotonic() - begun:.1f} s; "
        f"report and pictures are in {options.output}"
    )
    print("\n".join(said))
    if not (options.names or wrong or as_in_the_readme(said, README.read_text(encoding="utf-8"))):
        wrong = ["README.md shows another line than the last one below <!-- e2e -->"]
    for each in wrong:
        print(f"e2e: {each}.", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("e2e: interrupted; every program was stopped.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
