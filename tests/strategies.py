"""Hypothesis strategies for pieces: melodies and polyphony, in grid rhythms and in tuplets."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from etude.music import Key, Metre, Note, Piece
from etude.music.key import FIFTHS_OF_MODE

METRES = [
    Metre(4, 4),
    Metre(3, 4),
    Metre(2, 4),
    Metre(6, 8),
    Metre(2, 2),
    Metre(9, 8),
    Metre(3, 8),
    Metre(5, 4),
]

# Quarter notes that follow one another. A tuplet is one entry, so that it stays whole.
GRID_CELLS = [(Fraction(sixteenths, 4),) for sixteenths in (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 16, 18)]
TUPLET_CELLS = [
    (Fraction(1, 3),) * 3,
    (Fraction(2, 3),) * 3,
    (Fraction(2, 3), Fraction(1, 3)),
    (Fraction(1, 6), Fraction(1, 6), Fraction(2, 3)),
    (Fraction(1, 5),) * 5,
    (Fraction(4, 3),) * 3,
]

keys = st.builds(Key.from_fifths, st.integers(-7, 7), st.sampled_from(sorted(FIFTHS_OF_MODE)))
metres = st.sampled_from(METRES)
velocities = st.integers(1, 127)
titles = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=12).map(
    lambda text: " ".join(text.split())
)


@st.composite
def headers(draw: st.DrawFn) -> dict[str, object]:
    """Title, key, metre and tempo as keyword arguments of ``Piece.from_notes``."""
    metre = draw(st.none() | metres)
    pickup = draw(st.sampled_from([0, 0, Fraction(1, 2), 1, Fraction(3, 4)])) if metre else 0
    return {
        "title": draw(titles),
        "key": draw(st.none() | keys),
        "metres": [(0, metre)] if metre else [],
        "tempos": [(0, float(tempo))] if (tempo := draw(st.none() | st.integers(40, 200))) else [],
        "pickup": pickup % metre.quarters if metre else 0,
    }


@st.composite
def melodies(
    draw: st.DrawFn,
    *,
    max_notes: int = 16,
    tuplets: bool = True,
    rests: bool = True,
    pitches: st.SearchStrategy[int] = st.integers(36, 96),
) -> Piece:
    """A melody of at least one note, on the grid of sixteenths, and in tuplets if asked for."""
    cells = st.sampled_from(GRID_CELLS + TUPLET_CELLS if tuplets else GRID_CELLS)
    notes: list[Note] = []
    onset = Fraction(0)
    for cell in draw(st.lists(cells, min_size=1, max_size=max_notes)):
        for duration in cell:
            is_rest = rests and draw(st.integers(0, 5)) == 0
            if not is_rest and len(notes) < max_notes:
                notes.append(Note(onset, duration, draw(pitches), draw(velocities)))
            onset += duration
    if not notes:
        notes.append(Note(Fraction(0), Fraction(1), draw(pitches), draw(velocities)))
    return Piece.from_notes(notes, **draw(headers()))  # type: ignore[arg-type]


@st.composite
def polyphony(
    draw: st.DrawFn,
    *,
    max_notes: int = 16,
    parts: int = 3,
    tuplets: bool = True,
    pitches: st.SearchStrategy[int] = st.integers(30, 96),
) -> Piece:
    """Chords and overlapping voices in up to ``parts`` parts; within a part no pitch sounds twice at once."""
    moments = st.integers(0, 48).map(lambda steps: Fraction(steps, 4))
    if tuplets:
        moments |= st.integers(0, 36).map(lambda steps: Fraction(steps, 3))
    times = st.tuples(moments, moments).filter(lambda pair: pair[0] != pair[1]).map(sorted)
    rows = draw(
        st.lists(
            st.tuples(times, pitches, velocities, st.integers(0, parts - 1)), min_size=1, max_size=max_notes
        )
    )
    notes: list[Note] = []
    for (onset, end), pitch, velocity, part in rows:
        sounds = (
            note.pitch == pitch
            and note.part == part
            and note.onset < end
            and onset < note.onset + note.duration
            for note in notes
        )
        if not any(sounds):
            notes.append(Note(onset, end - onset, pitch, velocity, part))
    names = tuple(f"part {number}" for number in range(parts))
    return Piece.from_notes(notes, part_names=names, **draw(headers()))  # type: ignore[arg-type]


def pieces(*, max_notes: int = 16, tuplets: bool = True) -> st.SearchStrategy[Piece]:
    """Melodies and polyphony."""
    return melodies(max_notes=max_notes, tuplets=tuplets) | polyphony(max_notes=max_notes, tuplets=tuplets)


@st.composite
def choirs(draw: st.DrawFn, *, max_notes: int = 8, tuplets: bool = True) -> Piece:
    """Four voices, which may cross and meet if they have the names of a choir."""
    named = draw(st.booleans())
    compasses = [(50, 70)] * 4 if named else [(72, 84), (62, 71), (52, 61), (40, 51)]
    cells = melodies(max_notes=max_notes, tuplets=tuplets)
    lines = [draw(cells) for _ in compasses]
    notes = [
        note._replace(part=part, pitch=low + note.pitch % (high - low + 1))
        for part, (line, (low, high)) in enumerate(zip(lines, compasses, strict=True))
        for note in line.notes
    ]
    names = ("Soprano", "Alto", "T.", "bass") if named else ()
    programs = draw(st.sampled_from([(), (53, 53, 54, 1)]))
    return Piece.from_notes(notes, part_names=names, programs=programs, **draw(headers()))  # type: ignore[arg-type]
