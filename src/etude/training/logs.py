"""Logs: train.log of a run, and the part of it that is shown."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from etude.errors import is_of_space

# True but of no use to somebody who trains a model with this program.
HUSHED = (
    ".*isinstance\\(treespec, LeafSpec\\).*",
    ".*number of training batches .* is smaller than the logging interval.*",
    ".*does not have many workers.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*`training_step` returned `None`.*",  # a Markov chain counts, it follows no gradient
    ".*`srun` command is available on your system but is not used.*",
)


class _LogFile(logging.FileHandler):
    """Log file that drops what finds no room; the error of the write that mattered is raised elsewhere."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name is logging's)
        error = sys.exc_info()[1]
        if error is None or not is_of_space(error):
            super().handleError(record)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Log everything from Étude and its libraries to the file at ``path``, errors with tracebacks.

    On the terminal only our own warnings are shown.
    """
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, lightning = logging.getLogger(), logging.getLogger("pytorch_lightning")
    level, shown = root.level, list(lightning.handlers)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    lightning.handlers, lightning.propagate = [], True
    with warnings.catch_warnings():
        for message in HUSHED:
            warnings.filterwarnings("ignore", message)
        try:
            yield
        except KeyboardInterrupt as stop:  # and what is one: no error
            logging.getLogger(__name__).info("the run was stopped: %s", stop or "Ctrl-C")
            raise
        except BaseException:
            logging.getLogger(__name__).exception("the run ended with an error")
            raise
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            lightning.handlers = shown
            handler.close()
