"""samples.json holds all settings needed to generate the same samples again."""

import json
import shlex
from pathlib import Path

import pytest

from etude.api import sampling_settings
from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.encodings.grid import GridEncoding
from etude.evaluation.samples_file import sample_command, write_samples_file
from etude.models.checkpoint import TrainedModel
from etude.sampling.generation import generate
from etude.sampling.output import write_samples
from etude.sampling.settings import SamplingSettings
from networks import VOCABULARY, config_of, network_of

CHANGES = [
    {},
    {"temperature": 1.5, "seed": 7, "forms": []},
    {"primer": "C4 D4", "top_k": 3, "grammar": False},
    {"primer_file": "my songs/a, b=[c].mid", "max_bars": 4, "filters": ["temperature", "top_k"]},
    {"temperature": float("inf"), "primer": "60", "primer_track": "1"},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_the_command_has_the_settings_that_differ_and_gives_them_back(changes: dict[str, object]) -> None:
    settings = sampling_settings(**changes)
    verb, name, run, *words = shlex.split(sample_command(Path("outputs/a b/c"), "best", settings))
    assert (verb, name) == ("etude", "sample")
    composed = compose("sample", [run, *words])
    assert composed.run == "outputs/a b/c"
    assert from_plain(SamplingSettings, plain(composed.sampling)) == settings
    assert len(words) == len(changes)


def test_a_folder_of_samples_tells_its_settings_model_and_each_sample(tmp_path: Path) -> None:
    model = TrainedModel(network_of("lstm"), GridEncoding(), VOCABULARY, config_of("lstm"))
    settings = sampling_settings(num_samples=3, forms=["midi"], primer="60", max_tokens=12, grammar=False)
    batch = generate(model, settings)
    files = write_samples(batch.samples, model.encoding, tmp_path, settings.forms)
    path = write_samples_file(batch, model, settings, files, tmp_path, source=(tmp_path, "last"))
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (path.name, found["format"], found["model"], found["primer"]) == (
        "samples.json",
        1,
        "lstm",
        {"primer": "60"},
    )
    assert found["settings"] == vars(settings)
    assert "checkpoint=last" in found["command"]
    assert [row["number"] for row in found["samples"]] == [1, 2, 3]
    for row, one in zip(found["samples"], batch.samples, strict=True):
        assert row["files"] == [f"sample-{one.number}.mid", f"sample-{one.number}.tokens.txt"]
        assert all((tmp_path / name).is_file() for name in row["files"])
        assert (row["notes"], row["valid"], row["repairs"]) == (
            len(one.piece),
            one.is_valid,
            dict(one.repairs),
        )
        assert row["primer_quarters"] == 0.25


def test_samples_of_a_network_that_is_not_stored_have_no_command(tmp_path: Path) -> None:
    model = TrainedModel(network_of("lstm"), GridEncoding(), VOCABULARY, config_of("lstm"))
    settings = sampling_settings(num_samples=1, forms=[], max_tokens=4, grammar=False)
    path = write_samples_file(generate(model, settings), model, settings, [], tmp_path, source=None)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["run"], found["command"]) == (None, None)
