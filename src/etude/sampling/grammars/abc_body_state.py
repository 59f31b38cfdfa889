"""States in the body of an ABC tune."""

from __future__ import annotations

from typing import NamedTuple

MOST_IN_CHORD = 4  # notes
MOST_IN_ENDING = 4  # bars of a first ending; an untrained network would not end it
# the letters with a meaning, each with one that has the same effect
CANONICAL = {
    **dict.fromkeys("CDEFGAB", "C"),
    **dict.fromkeys("cdefgab", "c"),
    **{sign: sign for sign in "z^_=,'0123456789/()[]<>|: !\n"},
}


class BodyState(NamedTuple):
    """A place in the music. Times are in quarters of the unit note length.

    ``kind`` says what was read last: "after" (a complete note), "space", "bar" (``|``), "section end" (a sign
    that ends a section), "line" (a line end), "open" (the ``|`` of ``|:``), ":" and so on; "note" is a note
    that octave marks or a length may follow, with ``length_text`` as far as it was read.
    """

    full_bar: int  # length
    kind: str = "line"
    elapsed: int = 0  # time in the present bar
    pickup: int = -1  # time in the section's short first bar, 0 if that is full, -1 while it goes on
    in_repeat: bool = False  # a |: is open
    ending: int = 0  # 1 within a first ending, 2 within a second
    ending_bars: int = 0  # bars that a first ending may still have after the present one
    has_note: bool = False  # the tune has a note
    may_end: bool = False
    must_end: bool = False
    octave_marks: int = 0  # that may follow: apostrophes if positive, commas if negative
    length_text: str = ""
    tuplet_left: int = 0  # notes to come of a tuplet
    required: int = 0  # written length of the next note, in a tuplet or after > or <; 0: any
    chord_notes: int = 0  # of the chord that is open

    @property
    def last(self) -> int:
        """Length of the section's last bar, which completes a pickup."""
        return self.full_bar - max(self.pickup, 0)

    @property
    def room(self) -> int:
        """Length of the present bar: a full one, or the section's last where no other may follow."""
        return self.last if self.ending == 1 and not self.ending_bars else self.full_bar

    @property
    def may_begin_ending(self) -> bool:
        """Whether a first ending may begin at this bar line."""
        return not self.ending and self.pickup >= 0 and not self.must_end


END = BodyState(full_bar=0, kind="end", may_end=True)
