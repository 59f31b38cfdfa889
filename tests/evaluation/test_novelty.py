"""The copies in samples: where they begin, in the sample and in the training piece, and their yardstick."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

from etude.evaluation.held_out import HeldOutSet, held_out_set
from etude.evaluation.novelty import novelty_section
from etude.evaluation.stored_music import MusicFiles, stored_pieces
from etude.music import Note, Piece
from etude.sampling.samples import Sample
from prepared_corpora import prepared_corpus

SKIPPED, FOREIGN = 3, (30, 99)  # notes


def sample_of(piece: Piece) -> Sample:
    """A sample of two leaps, then a piece without its first notes."""
    first, *others = piece.notes[SKIPPED:]
    begin = first.onset - len(FOREIGN)
    before = [Note(begin + place, Fraction(1), pitch) for place, pitch in enumerate(FOREIGN)]
    notes = [note._replace(onset=note.onset - begin) for note in (*before, first, *others)]
    return Sample(1, [], Piece.from_notes(notes), Counter(), Fraction(0))


def test_a_copy_is_found_where_it_begins_and_training_pieces_are_no_yardstick(data_dir: Path) -> None:
    data = prepared_corpus(data_dir, "data.max_pieces=60")
    training, test = (held_out_set(data, name, data.vocabulary) for name in ("train", "test"))
    index = int(training.subset.pieces[5])
    copied = stored_pieces(training, [index])[index]

    def found(held_out: HeldOutSet) -> dict[str, object]:
        return novelty_section([sample_of(copied)], held_out, training, MusicFiles(data))

    [row] = found(test)["rows"]  # type: ignore[misc]
    assert (row["notes_shared"], row["piece"]) == (len(copied) - SKIPPED, data.store.names[index])
    assert (row["from_note"], row["piece_from_note"]) == (len(FOREIGN) + 1, SKIPPED + 1)
    shown = [pitch for _, _, pitch in row["shared"]["sample"]["notes"]]
    assert shown == copied.pitch[SKIPPED:].tolist()[: len(shown)]
    assert len({shown[0], *FOREIGN}) == 3
    assert found(test)["held_out"] is not None
    assert found(training)["held_out"] is None
