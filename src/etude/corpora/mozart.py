"""The Mozart lab's corpus: twenty piano works as MIDI."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from etude.corpora.archives import read_archive
from etude.corpora.preparation import Corpus, RawFile
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.settings import MozartConfig
from etude.corpora.sources import fetch
from etude.formats.midi.reader import read_midi_bytes
from etude.formats.music21_reader import read_with_music21_bytes


class MozartCorpus(PreparedCorpus):
    """Piano sonatas with velocities and tempo changes, in file order.

    Twenty files are too few to split by file, so each is cut into sections of ``section_tokens`` tokens,
    which the split takes for pieces (None: whole files). Sections of one movement share its themes: held
    out by section is less strict than by work, and far stricter than by window. The sustain pedal
    lengthens the notes under it. ``reader="music21"`` has music21 read them, which takes minutes, quantises
    them and knows no pedal.
    """

    config: MozartConfig

    def __init__(self, config: MozartConfig) -> None:
        super().__init__(config)

    def corpus(self) -> Corpus:
        """Return the raw files and how they are read."""
        archive = fetch(self.config.published, self.data_dir / "raw", self.config.mirror)
        by_music21 = self.config.reader == "music21"
        return Corpus(
            "mozart",
            partial(_works, archive),
            self.config.published.sha256,
            read_with_music21_bytes if by_music21 else partial(read_midi_bytes, pedal=True),
            {"reader": self.config.reader, "reader_version": 1},
            by_music21=by_music21,
            section_tokens=self.config.section_tokens,
        )


def _works(archive: Path) -> Iterator[RawFile]:
    """Return the MIDI files of an archive, in name order."""
    for name, data in read_archive(archive):
        if name.lower().endswith((".mid", ".midi")):
            yield RawFile(name, data)
