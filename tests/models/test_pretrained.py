"""The models that come with Étude: small, described, without this machine's places, and ready to sample."""

from __future__ import annotations

import re

import pytest

from etude.config.compose import compose, plain
from etude.config.conf_files import conf_dir, values_in
from etude.config.fields import from_plain
from etude.corpora.prepared import PreparedCorpus
from etude.models.checkpoint import load_model
from etude.models.pretrained import FOLDER, pretrained, pretrained_names
from etude.music.notes_by_bar import bar_contents
from etude.sampling.context import TrainingContext
from etude.sampling.generation import generate
from etude.sampling.settings import SamplingSettings
from sampling_settings import sampling

NAMES = pretrained_names()
DATA = conf_dir() / "data"


def test_they_are_small() -> None:
    sizes = [pretrained(name).stat().st_size for name in NAMES]
    assert "pretrained/erk" in NAMES
    assert max(sizes) <= 1.5 * 2**20
    assert sum(sizes) <= 4 * 2**20


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_card(name: str) -> None:
    card = pretrained(name).with_suffix(".md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", card, re.MULTILINE)
    assert headings == ["Data", "Licence of the data", "Scores", "Limits", "How it was made"]
    model = load_model(pretrained(name))
    count = sum(weight.numel() for weight in model.network.parameters())
    assert f"{count:,} parameters" in card
    assert {path.suffix for path in FOLDER.iterdir()} == {".md", ".safetensors"}


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_of_its_corpus_are_those_of_today(name: str) -> None:
    """Else no primer could be taken from the corpus."""
    assert isinstance(TrainingContext.of_model(load_model(pretrained(name))).corpus, PreparedCorpus)


@pytest.mark.parametrize("name", NAMES)
def test_none_names_a_place_of_the_machine_that_trained_it(name: str) -> None:
    """The published address of its corpus, which conf/data has, is no place of a machine."""
    start = pretrained(name).read_bytes()[: 2**16]
    found = {place.decode() for place in re.findall(rb'"((?:/|~|[a-z]+://)[^"\\]+)', start)}
    published = {
        value
        for path in DATA.glob("*.yaml")
        for key, value in values_in(path).items()
        if key.endswith(".url")
    }
    assert found <= published


@pytest.mark.parametrize("name", NAMES)
def test_each_writes_well_formed_music(name: str) -> None:
    batch = generate(load_model(pretrained(name)), sampling(num_samples=4, max_tokens=128))
    assert batch.valid >= 3
    assert all(len(one.piece) > 4 for one in batch.samples)


def test_irish_tunes_have_whole_phrases() -> None:
    settings = plain(
        compose("sample", ["run=latest", "sampling=irish_tunes", "sampling.num_samples=2"]).sampling
    )
    batch = generate(load_model(pretrained("pretrained/cobb")), from_plain(SamplingSettings, settings))
    assert [len(bar_contents(one.piece)) % 8 for one in batch.samples] == [0, 0]
    assert all(one.piece.title and one.is_valid for one in batch.samples)
