"""Musicians' own files are continued: an export, a played melody, one voice of a band file, a waltz."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from etude.formats.any_file import read_piece
from etude.formats.midi.writer import midi_bytes
from etude.music import Key, Metre, Note, Piece
from etude.notation.bars import bars_of
from journey import TOY, Etude, run_folder

TUNE = (60, 62, 64, 65, 67, 65, 64, 62, 60, 67)


def go_on(toy_run: Path, etude: Etude, path: Path, *arguments: str) -> Piece:
    before = set(toy_run.glob("samples/*/sample-1.mid"))
    said = etude(
        "sample", "run=latest", "sampling.forms=[midi]", "sampling.num_samples=1", "sampling.max_tokens=80",
        f"sampling.primer_file={path}", *arguments,
    )  # fmt: skip
    assert said.code == 0, said.err
    [written] = set(toy_run.glob("samples/*/sample-1.mid")) - before
    return read_piece(written)


def test_an_export_whose_notes_are_one_tick_short(toy_run: Path, etude: Etude, tmp_path: Path) -> None:
    notes = [Note(Fraction(time), Fraction(479, 480), pitch) for time, pitch in enumerate(TUNE)]
    (tmp_path / "export.mid").write_bytes(midi_bytes(Piece.from_notes(notes, key=Key("C"))))
    piece = go_on(toy_run, etude, tmp_path / "export.mid")
    assert [(note.onset, note.pitch) for note in piece.notes[:8]] == list(enumerate(TUNE[:8]))
    assert [note.duration for note in piece.notes[:7]] == [1] * 7


def test_a_played_melody(toy_run: Path, etude: Etude, tmp_path: Path) -> None:
    late = [Fraction(n, 480) for n in (0, 21, -17, 30, -25, 12, 40, -8, 15, 3)]
    notes = [
        Note(time + off, Fraction(4, 5), pitch)
        for time, (off, pitch) in enumerate(zip(late, TUNE, strict=True))
    ]
    (tmp_path / "played.mid").write_bytes(midi_bytes(Piece.from_notes(notes, key=Key("C"))))
    piece = go_on(toy_run, etude, tmp_path / "played.mid", "sampling.primer_quantise=nearest")
    assert [(note.onset, note.pitch) for note in piece.notes[:8]] == list(enumerate(TUNE[:8]))


def test_one_voice_of_a_band_file(toy_run: Path, etude: Etude, tmp_path: Path) -> None:
    tune = [Note(Fraction(time), Fraction(1), pitch, 80, 1) for time, pitch in enumerate(TUNE)]
    chords = [Note(Fraction(time), Fraction(2), 48 + third, 80, 0) for time in (0, 2, 4) for third in (0, 4)]
    band = Piece.from_notes([*tune, *chords], key=Key("C"), part_names=("Piano", "Voice"))
    (tmp_path / "band.mid").write_bytes(midi_bytes(band))
    said = etude("sample", "run=latest", f"sampling.primer_file={tmp_path / 'band.mid'}")
    assert said.code == 2
    for part in ("several notes at the same time; this model writes one at a time.", "Voice", "performance"):
        assert part in said.err
    piece = go_on(toy_run, etude, tmp_path / "band.mid", "sampling.primer_track=Voice")
    assert [(note.onset, note.pitch) for note in piece.notes[:8]] == list(enumerate(TUNE[:8]))


def test_a_waltz_with_an_upbeat(toy_run: Path, etude: Etude, tmp_path: Path) -> None:
    text = "X:1\nT:Waltz\nM:3/4\nL:1/4\nQ:1/4=150\nK:C\nG|cde|gec|def|gec|c3|]\n"
    (tmp_path / "waltz.abc").write_text(text)
    piece = go_on(toy_run, etude, tmp_path / "waltz.abc")
    assert piece.metre == Metre(3, 4)
    assert "after Waltz" in piece.title
    assert piece.tempo is not None
    assert round(piece.tempo) == 150
    assert [bar.start for bar in bars_of(piece)[:3]] == [0, 1, 4]


def test_four_voices_are_learnt_and_written_on_two_staves(etude: Etude, tmp_path: Path) -> None:
    folder = tmp_path / "choirs"
    folder.mkdir()
    for number in range(6):
        chords = [(72 + number + step, 67 + number, 60 + step, 48 + number) for step in (0, 2, 4, 5, 4, 2, 0)]
        notes = [
            Note(Fraction(time), Fraction(1), pitch, part=part)
            for time, chord in enumerate(chords)
            for part, pitch in enumerate(chord)
        ]
        (folder / f"{number}.mid").write_bytes(midi_bytes(Piece.from_notes(notes, key=Key("C"))))
    chosen = ("data=midi_folder", f"data.path={folder}", "data.name=choirs", "data/encoding=voices")
    trained = etude("train", *TOY, *chosen)
    assert trained.code == 0, trained.err
    forms = "sampling.forms=[midi,musicxml,abc,score]"
    said = etude(
        "sample", f"run={run_folder(trained)}", forms, "sampling.num_samples=1", "sampling.max_bars=4"
    )
    assert said.code == 0, said.err
    [score] = Path(run_folder(trained)).glob("samples/*/sample-1.svg")
    assert score.read_text().count('class="staff"') >= 2
    midi, xml, abc = (read_piece(score.with_suffix(ending)) for ending in (".mid", ".musicxml", ".abc"))
    voices = [(*note[:3], note.part) for note in midi.notes]
    assert voices == [(*note[:3], note.part) for note in abc.notes]
    assert voices == [(*note[:3], note.part) for note in xml.notes]
    for part in set(midi.part.tolist()):
        one = [note for note in midi.notes if note.part == part]
        assert all(a.onset + a.duration <= b.onset for a, b in pairwise(one))
