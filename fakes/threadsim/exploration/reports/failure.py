"""The error of a failing schedule: reproduced, shrunk, and shown with the line that replays it."""

from pathlib import Path
from traceback import format_exception

from threadsim.exploration.execution import Execution
from threadsim.exploration.options import Options
from threadsim.exploration.reports.nondeterminism import failure_signature, normalised_text, rerun
from threadsim.exploration.reports.shrink import shrink
from threadsim.exploration.runner import ScheduleRunner
from threadsim.exploration.schedule_string import choices_of, diverged, write
from threadsim.reporting.failure_page import FailurePage, failure_page
from threadsim.reporting.progress import Progress
from threadsim.reporting.trace_diagram import draw
from threadsim.reporting.tracebacks import headline, shorten
from threadsim.runtime.formatting import counted

# More races of a schedule are left out.
_MOST_RACES = 5


class ScheduleFailure(AssertionError):
    """The program fails under one schedule; ``__cause__`` is its error.

    Attributes:
        schedule: The schedule as a string for ``replay``.
        preemptions: How often it switches from a thread that could have continued.
        signatures: The signatures of its errors; see ``failure_signature``.
        page: What its page shows.
    """

    __module__ = "threadsim"

    # No arguments of the call: pickle repeats the call with the text alone
    # (test_a_failure_comes_whole_from_another_process).
    schedule: str
    preemptions: int
    signatures: set[object]
    page: FailurePage

    def save_html(self, path: str | Path) -> None:
        """Write a page with the trace diagram, a file for itself, for any browser."""
        self.page.save_html(path)

    def save_perfetto(self, path: str | Path) -> None:
        """Write the steps as Chrome trace events, which Perfetto and viztracer open."""
        self.page.save_perfetto(path)


def shrunk_failure(
    runner: ScheduleRunner, failing: Execution, signature: object, progress: Progress
) -> ScheduleFailure:
    """Return the failure of a schedule, with the fewest preemptions that are found.

    Raises:
        ScheduleDiverged: The schedule does not fail again.
    """
    __tracebackhide__ = True
    best, fewest = shrink(runner, _reproduced(runner, failing), signature, progress)
    failure = described_failure(runner.options, _reproduced(runner, best, shown=True))
    if best.preemptions and not fewest:
        failure.add_note(
            f"It may fail with fewer than {counted(best.preemptions, 'preemption')}, too: not all "
            "schedules with fewer were tried."
        )
    if runner.first_run_passed and failure.schedule == "0":
        failure.add_note(
            "The first run of the program, in the same order, did not fail. Look for what is kept "
            "from one run to the next; uuid4() gives the same ids in each run."
        )
    return failure


def _reproduced(runner: ScheduleRunner, failing: Execution, *, shown: bool = False) -> Execution:
    """Run a failing schedule again and return that run, which has the same errors."""
    __tracebackhide__ = True
    second = rerun(runner, failing, shown=shown)
    if list(map(normalised_text, second.errors)) != list(map(normalised_text, failing.errors)):
        raise diverged("it fails, and then in another way or not at all", second.trace)
    return second


def described_failure(options: Options, failing: Execution) -> ScheduleFailure:
    """Return the failure of a schedule, with its trace diagram and the line that replays it."""
    schedule = write(choices_of(failing.steps), failing.switch_points)
    texts = "\nIt also fails with ".join(map(headline, failing.errors))
    kinds = [each for each in failing.races if each in failing.switch_points.data]
    races = [failing.races[each] for each in kinds[:_MOST_RACES]]
    needs = "".join(f"needs: {each}\n" for each in races)
    story, replay = failing.story, options.replay_line(schedule)
    failure = ScheduleFailure(f"{texts}\n\n{draw(story)}\n\n{needs}{replay}")
    errors: dict[object, BaseException] = {}
    for error in failing.errors:
        errors.setdefault(failure_signature(error), error)
        shorten(error)
    failure.__cause__, *others_shown = errors.values()
    for other in others_shown:
        failure.add_note("It also fails so:\n" + "".join(format_exception(other)).rstrip())
    failure.schedule = schedule
    failure.preemptions = failing.preemptions
    failure.signatures = set(errors)
    tracebacks = "\n".join("".join(format_exception(each)) for each in errors.values())
    failure.page = failure_page(texts, tracebacks, story, needs=races, replay=replay)
    return failure
