"""What a job's future raises when the job has no result of its own: why, which job, what to do."""


def text_of(error: BaseException) -> str:
    """Return an exception's type and text."""
    return f"{type(error).__name__}: {error}"


class JobNotRun(Exception):
    """A job of a group has neither a value nor an exception of its own.

    Args:
        name: The job's name.
        job_id: The job's id.
        what: What happened to it, as the rest of a sentence that begins with the job.
        advice: What to do.
    """

    def __init__(self, name: str, job_id: str, what: str, advice: str) -> None:
        # All of them: an exception is unpickled from its args, and one that cannot be breaks the
        # process pool that its job ran in.
        super().__init__(name, job_id, what, advice)
        self.name, self.job_id, self.what, self.advice = name, job_id, what, advice

    def __str__(self) -> str:
        return f"Job {self.name!r} (id {self.job_id}) {self.what}. {self.advice}"


class JobMissed(JobNotRun):
    """It could not begin within its ``misfire_grace_time``."""


class JobSkipped(JobNotRun):
    """As many runs of its id as ``max_instances`` allows were under way when it was due."""


class JobRemoved(JobNotRun):
    """It left its job store before it was due: removed, replaced, or gone with the store."""


class JobRefused(JobNotRun):
    """It was not taken: by the group, because it could not run, or by its executor when due."""


class JobLost(JobNotRun):
    """Nobody will tell what becomes of it; what its executor had begun may have run in part."""
