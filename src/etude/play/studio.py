"""Studio: generates music of a run for the page, with the command that generates it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple

import torch

from etude.api import sampling_settings
from etude.encodings import CharactersEncoding
from etude.evaluation.samples_file import generate_into, sample_command
from etude.formats.abc.typed_text import whole_tune
from etude.models.checkpoint import TrainedModel, load_model
from etude.reports.samples_folder_page import samples_folder_page
from etude.runs.lookup import find_checkpoint, named_again

TUNE = "primer.abc"  # the name under which an ABC tune that was typed is a primer file


class Generated(NamedTuple):
    """``page``: the samples, and the command for them. ``tune``: content of the primer file that it names."""

    page: str
    tune: str | None


class Studio:
    """Opens each run once; keeps no file of what it generates.

    ``base``: the sampling settings where the page changes none.
    """

    def __init__(self, base: Mapping[str, Any], checkpoint: str = "best", threads: int = 1) -> None:
        self.base, self.checkpoint, self.threads = dict(base), checkpoint, threads
        self._forms = sampling_settings().forms  # the command writes what etude sample writes
        self._models: dict[Path, tuple[float, TrainedModel]] = {}
        self._one_at_a_time = Lock()  # Hydra composes one configuration at a time

    def generate(self, run: str, changes: Mapping[str, Any], upload: Path | None = None) -> Generated:
        """Generate music; EtudeError with one sentence for a run or a setting that is not possible.

        ``upload``: a file to begin with; the command names it without its folder.
        """
        with self._one_at_a_time, TemporaryDirectory(prefix="etude-play-") as made:
            torch.set_num_threads(self.threads)  # OpenMP counts threads for each thread of Python
            file, model = self._open(run)
            given = {**self.base, **changes}
            tune = None
            if upload is None and not isinstance(model.encoding, CharactersEncoding):
                tune = whole_tune(str(given["primer"]))
            if tune is not None:
                upload = Path(made) / TUNE
                upload.write_text(tune, encoding="utf-8")
                given["primer"] = ""
            if upload is not None:
                given["primer_file"] = str(upload)
            settings = sampling_settings(**given)
            folder, source = Path(made) / "samples", named_again(run, file)
            generate_into(folder, model, settings, source=source)
            shown = replace(settings, forms=self._forms)
            if upload is not None:
                shown = replace(shown, primer_file=upload.name)
            return Generated(samples_folder_page(folder, command=sample_command(*source, shown)), tune)

    def _open(self, run: str) -> tuple[Path, TrainedModel]:
        """Return the checkpoint of a run, and its model, read again if the file has changed."""
        file, _ = find_checkpoint(run, self.checkpoint)
        changed = file.stat().st_mtime
        if file not in self._models or self._models[file][0] != changed:
            self._models[file] = changed, load_model(file)
        return file, self._models[file][1]
