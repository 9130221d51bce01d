"""Who does the runs of a command: threads of this process, or the workers of a cluster?"""

from lazyscope._checks import InputError, check_count
from lazyscope.cli._values import read_number


def checked_workers(scheduler: str | None, workers: str | None) -> tuple[str | None, int | None]:
    """Address of a scheduler and number of threads; one of them at most.

    Raises:
        InputError: both, or no number of threads.
    """
    if scheduler is not None and workers is not None:
        raise InputError(
            "workers are threads of this process",
            received=f"--workers {workers} with --scheduler {scheduler}",
            cause="a cluster has its own workers",
            fix="leave out --workers",
        )
    return scheduler, None if workers is None else check_count("workers", read_number(workers))
