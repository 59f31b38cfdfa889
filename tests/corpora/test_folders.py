"""A user's own folder: the steps between its files and the encoding."""

from pathlib import Path

import pytest

from etude.corpora.cures import cure
from etude.errors import EtudeError
from etude.reports import corpus as report
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


def three_tracks(tmp_path: Path) -> Path:
    path = tmp_path / "three.mid"
    path.write_bytes(midi(*(track(notes((0, 480, pitch), (480, 960, pitch + 2))) for pitch in (72, 67, 60))))
    return path


@pytest.mark.parametrize(("merged", "tokens", "apart"), [("true", 2, 0), ("false", 6, 1)])
def test_the_report_says_whether_tracks_were_merged(
    tmp_path: Path, merged: str, tokens: int, apart: int
) -> None:
    chosen = ("data=midi_folder", f"data.path={three_tracks(tmp_path)}", "data/encoding=pitch_set")
    store = prepared_corpus(tmp_path, *chosen, f"data.encoding.merge_parts={merged}").store
    assert (store.num_tokens, store.num_apart) == (tokens, apart)
    assert "several tracks in 1 piece: each track's chords" in report.tracks_apart(store) or not apart


def test_a_key_that_no_file_states_is_inferred_on_request_and_counted(tmp_path: Path) -> None:
    scale = [(n * 480, n * 480 + 480, 62 + step) for n, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12, 7, 0))]
    path = tmp_path / "scale.mid"
    path.write_bytes(midi(track(notes(*scale))))
    chosen = ("data=midi_folder", f"data.path={path}", "data/encoding=voices", "data.transpose=true")
    with pytest.raises(EtudeError, match="states no key"):
        _ = prepared_corpus(tmp_path, *chosen).store
    store = prepared_corpus(tmp_path, *chosen, "data.infer_key=true").store
    assert tokens_of(store, 0)[0] == "1:60/4"
    assert report.inferred_keys(store) == "1 key inferred: 1 × D major"
    with pytest.raises(EtudeError, match=r"infer_key=true has no effect without data\.transpose=true"):
        prepared_corpus(tmp_path, *chosen[:3], "data.infer_key=true")


def test_the_cure_for_pieces_without_a_key(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "one.krn").write_text("**kern\n*C:\n4c\n*-\n")
    for number in range(3):
        (folder / f"none-{number}.krn").write_text("**kern\n4c\n*-\n")
    store = prepared_corpus(tmp_path, "data=kern_folder", f"data.path={folder}", "data.max_rejected=1").store
    assert cure(store) == "data.infer_key=true infers the keys of 3 of the rejected pieces"
