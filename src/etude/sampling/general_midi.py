"""Instruments of General MIDI by name."""

from __future__ import annotations

from etude.config.problems import did_you_mean
from etude.errors import EtudeError


def program_of(name: str) -> int:
    """Return the program, from 1, of an instrument: its name, or the only name with all the words typed.

    Case does not count. EtudeError for a name that means none, or several.
    """
    from pretty_midi.constants import INSTRUMENT_MAP  # slow to import

    names = [known.lower() for known in INSTRUMENT_MAP]
    wanted = name.lower().replace("_", " ").strip()
    if wanted in names:
        return names.index(wanted) + 1
    found = [known for known in names if set(wanted.split()) <= set(known.replace("(", "").split())]
    if len(found) == 1 and wanted:
        return names.index(found[0]) + 1
    if found and wanted:
        raise EtudeError(f"sampling.instrument={name} may mean {', '.join(found)}; type one of them")
    raise EtudeError(f"sampling.instrument={name} is no General MIDI instrument{did_you_mean(wanted, names)}")
