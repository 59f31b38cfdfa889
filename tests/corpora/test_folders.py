"""A user's own folder: what is done to its files before they are encoded."""

from pathlib import Path

import pytest

from etude.errors import EtudeError
from midi_bytes import midi, notes, track
from prepared_corpora import prepared_corpus, tokens_of

QUARTERS = [(n * 480, n * 480 + 456, 60 + n) for n in range(4)]  # a gate of 95 %


def test_notes_of_a_notation_program_are_moved_to_the_grid_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "one.mid").write_bytes(midi(track(notes(*QUARTERS))))
    (folder / "two.mid").write_bytes(midi(track(notes((0, 480, 60), (480, 960, 62)))))
    data = prepared_corpus(tmp_path, "data=midi_folder", f"data.path={folder}", "data/encoding=grid")
    assert tokens_of(data.store, 0) == [token for n in range(4) for token in (str(60 + n), "_", "_", "_")]
    assert data.store.moved == (1, 4, 0.05)


def test_played_notes_are_quantised_on_request(tmp_path: Path) -> None:
    path = tmp_path / "played.mid"
    path.write_bytes(midi(track(notes((55, 430, 60), (530, 900, 62), (930, 1400, 64)))))
    chosen = ("data=midi_folder", f"data.path={path}", "data/encoding=note_duration")
    with pytest.raises(EtudeError, match="quantise=nearest"):
        _ = prepared_corpus(tmp_path, *chosen).store
    data = prepared_corpus(tmp_path, *chosen, "data.quantise=nearest")
    assert tokens_of(data.store, 0) == ["60/4", "62/4", "64/4"]
