"""Results of submitted jobs, and their places in SLURM's queue."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from submitit import Job

EVERY = 1.0  # seconds between two looks for results
SQUEUE_EVERY = 10.0  # seconds between two calls of squeue, whose server many people share


class LostJobError(Exception):
    """A job ended without a result: killed, cancelled, or timed out too often."""


def results(jobs: Sequence[Job[Any]]) -> list[Any]:
    """Return the jobs' results when all have ended, with a LostJobError for each job without one.

    submitit's own wait stops at the first lost job, and needs SLURM's accounting to notice it.
    """
    waiting, missed = list(jobs), set[str]()
    last = time.monotonic()
    while waiting:
        time.sleep(EVERY)
        waiting = [job for job in waiting if not job.paths.result_pickle.exists()]
        if waiting and time.monotonic() - last >= SQUEUE_EVERY:
            last = time.monotonic()
            names = {job.job_id for job in waiting}
            gone = names - queue if (queue := _unfinished(waiting)) is not None else set()
            # missed twice: a shared file system may show a result after SLURM shows the job's end
            waiting = [job for job in waiting if job.job_id not in gone & missed]
            missed = gone
    return [_result(job) for job in jobs]


def still_queued(names: Collection[str]) -> set[str] | None:
    """Return the jobs (12, or 12_3 of an array) that wait or run; None if squeue fails."""
    if not names:
        return set()
    numbers = ",".join(sorted({name.partition("_")[0] for name in names}))
    done = _squeue("--array", "--format=%i", f"--jobs={numbers}")
    if done.returncode and "Invalid job id" not in done.stderr:  # SLURM forgets old jobs
        return None
    return set(done.stdout.split()) & set(names)


def state(name: str) -> str:
    """Return the state of one job (12 or 12_3), as in RUNNING or COMPLETING; "" if SLURM has forgotten it."""
    return _squeue("--format=%T", f"--jobs={name}").stdout.strip()


def _unfinished(jobs: Sequence[Job[Any]]) -> set[str] | None:
    """Return the names of the jobs that have not ended; None if squeue fails."""
    from submitit import LocalJob

    if isinstance(jobs[0], LocalJob):
        return {job.job_id for job in jobs if not job.done()}
    return still_queued([job.job_id for job in jobs])


def _squeue(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["squeue", "--noheader", *words], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def _result(job: Job[Any]) -> Any:
    if not job.paths.result_pickle.exists():
        return LostJobError(f"job {job.job_id} ended without a result; see {job.paths.stderr}")
    error = job.exception()
    return LostJobError(str(error)) if error else job.result()
