"""The body of an ABC tune, read line by line into its voices.

Source: the ABC music standard 2.1, sections 4 (the tune body) and 7 (multiple voices).
"""

from __future__ import annotations

import re

from etude.errors import ReadError
from etude.formats.abc.information_fields import MAX_VOICES, PROGRAM, TuneSettings, read_voice, strip_comment
from etude.formats.abc.macros import expanded
from etude.formats.abc.signs import signs
from etude.formats.abc.voice import SIGNS, PartMark, Sign, Tempo, Voice
from etude.formats.base import quoted

MAX_EVENTS = 200_000  # of one tune; a symphony has fewer in a voice

_SILENT = {
    "space", "slur", "grace", "quoted", "decoration", "undefined", "line_break", "reserved", "comment",
    "spacer",
}  # fmt: skip


class TuneBody:
    """The tune body, read line by line into voices; an error of an earlier line names that line."""

    def __init__(self, settings: TuneSettings) -> None:
        settings.unit = settings.unit_length  # a later M: does not change it
        self.settings = settings
        self.voices: dict[str, Voice] = {}
        for name, options in settings.voices.items():
            self.voices[name] = Voice(settings.copy(), options)
        self.voice: Voice | None = None
        self.part = ""  # name of the last P: field

    def read_line(self, text: str, line: int) -> None:
        """Read a line of music; ReadError if it breaks the rules."""
        voice = self._current_voice()
        self._begin_part(voice)
        sounds = undefined = 0
        for sign in signs(expanded(text, self.settings.macros), self.settings.decorations):
            kind = sign.lastgroup
            if kind == "note":
                sounds += 1
                voice.add_note(*sign.group("accidental", "letter", "length"))
            elif kind == "field":
                self.read_field(sign[0][1], sign[0][3:-1])
                voice = self._current_voice()
                self._begin_part(voice)
            elif kind not in _SILENT:
                self._read_sign(voice, sign, line)
                sounds += kind != "bar"
            elif kind == "decoration":
                name = sign[0].strip("!+")
                if name in SIGNS and name not in self.settings.decorations:
                    voice.events.append(Sign(SIGNS[name]))
            elif kind == "undefined":
                undefined += sign[0] not in self.settings.decorations
        if undefined > sounds:  # words have more letters h to w than a to g
            raise ReadError(f"{quoted(text.strip())} looks like words, not music")
        if len(voice.events) > MAX_EVENTS:
            raise ReadError(f"the tune has more than {MAX_EVENTS} notes")

    def _read_sign(self, voice: Voice, sign: re.Match[str], line: int) -> None:
        match sign.lastgroup:
            case "bar" | "first_ending":
                voice.add_bar(sign["bar"], sign["first_ending"])
            case "rest":
                voice.add_rest(sign["rest_length"])
            case "many_rests":
                voice.add_bars_of_rest(sign[0][1:])
            case "tuplet":
                voice.begin_tuplet(sign[0], line)
            case "broken":
                voice.add_broken_rhythm(sign[0])
            case "tie":
                voice.add_tie()
            case "chord" | "chord_length":
                voice.add_chord(sign["members"], sign["chord_length"])
            case "plus_chord" | "plus_length":
                voice.add_chord(sign["plus_members"], sign["plus_length"])
            case "ending":
                voice.add_ending(sign[0][1:])
            case "overlay":
                voice.add_overlay()
            case "long_overlay":
                raise ReadError(f"an overlay of several bars, {quoted(sign[0])}, is not supported")

    def read_field(self, letter: str, value: str) -> None:
        """Read a field of the tune body; it changes the current voice."""
        if letter == "V":
            self.voice = self._voice_named(value)
            return
        if letter in "Um":
            self.settings.read_field(letter, value)
        elif letter == "I" and self.voice and PROGRAM.fullmatch(strip_comment(value)):
            self.voice.settings.read_field(letter, value)
        elif letter == "I":
            for settings in (self.settings, *(voice.settings for voice in self.voices.values())):
                settings.read_field(letter, value)
        elif letter == "P" and self.settings.parts:
            name = strip_comment(value)
            self.part = name[0] if re.fullmatch(r"[A-Za-z]\W*", name) else name
        if letter not in "KLMQ":
            return
        voice = self._current_voice()
        self._begin_part(voice)
        voice.settings.read_field(letter, value)
        if letter in "KL":
            voice.apply_settings()
        elif letter == "M" and voice.settings.metre:
            voice.events.append(voice.settings.metre)
        elif letter == "Q" and (tempo := voice.settings.quarters_a_minute()):
            voice.events.append(Tempo(tempo))

    def finish(self) -> None:
        """Check that no tuplet or broken rhythm is open at the end of the tune."""
        for voice in self.voices.values():
            voice.finish()

    def _begin_part(self, voice: Voice) -> None:
        """Begin the present part in a voice: lines of voices and P: fields come in any order."""
        if voice.part != self.part:
            voice.part = self.part
            voice.events.append(PartMark(self.part))

    def _current_voice(self) -> Voice:
        if self.voice is None:
            self.voice = next(iter(self.voices.values()), None) or self._voice_named("1")
        return self.voice

    def _voice_named(self, value: str) -> Voice:
        name, options = read_voice(value)
        if name not in self.voices:
            if len(self.voices) == MAX_VOICES:
                raise ReadError(f"the tune has more than {MAX_VOICES} voices")
            self.voices[name] = Voice(self.settings.copy(), options)
        elif options:
            self.voices[name].add_options(options)
        return self.voices[name]
