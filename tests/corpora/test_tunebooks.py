"""Other tunebooks in Cobb's layout: the notes stay, and no tune like a held-out one is trained on."""

from __future__ import annotations

import re

import pytest

from abc_tunes import split_tunes
from corpora import published
from etude import prepare
from etude.corpora import cobb, tunebooks
from etude.corpora.cobb import RELATED
from etude.corpora.preparation import RawFile
from etude.corpora.tunebooks import BOOKS, in_cobbs_layout, tunebook_files
from etude.errors import EtudeError
from etude.formats.abc.reader import TUNE_START, parse_abc
from etude.formats.base import decode_text

HEADER = "X: 7\nT: THE LARK'S SONG -- Reel\nN:slow\nM:C|\nL:1/8\n"


def test_a_tune_is_laid_out_as_cobb_does():
    tune = HEADER + (
        "K:Ador\n"
        "ef|\\\n"
        '"Am"a2 (gf) {g}e2 ~d2|c2 BA B4|.a2 !trill!g2 T f4|e8|a4 g4:|  % repeated\n'
        "|: e4 c4|A8|]\n"
    )
    assert in_cobbs_layout(tune, 3) == (
        "X:3\nT:The Lark's Song\nM:C|\nL:1/8\nK:A Dorian\n"
        "ef|a2 gf e2 d2|c2 BA B4|a2 g2 f4|e8|!\n"
        "a4 g4:|!\n"
        "e4 c4|A8||!\n\n"
    )


@pytest.mark.parametrize(
    "music",
    ["K:D\nd8|1e8:|2f8|]", "K:D\nd8|\nK:G\ng8|]", "K:none\nd8|]", "K:D\n[V:1]d8|]", "K:D\nthis is no tune"],
)
def test_a_tune_whose_notes_would_change_is_left_out(music):
    assert in_cobbs_layout(HEADER + music, 1) == ""


def test_tunes_of_the_books_keep_their_notes_and_have_four_bars_a_line():
    kept = 0
    for path in tunebook_files()[::12]:
        for tune in TUNE_START.split(decode_text(path.read_bytes(), path.name))[1::6]:
            if not (text := in_cobbs_layout(tune, 1)):
                continue
            kept += 1
            (ours,), (theirs,) = parse_abc(text).pieces, parse_abc(tune).pieces
            assert [(ours.pitch == theirs.pitch).all(), (ours.onset == theirs.onset).all()] == [True, True]
            lines = text.split("\n")[5:-2]
            assert all(re.fullmatch(r"[^|]+(\|[^|]+){0,4}(:\||\|\|?)!", line) for line in lines), text
    assert kept > 30


def held_out_and_books(tmp_path, monkeypatch, books):
    """Cobb's every fiftieth tune, and other books that ``books`` makes of the held-out tunes."""
    text = "".join(split_tunes(published("Music_of_Ireland.abc").read_bytes().decode())[::50])
    (tmp_path / "few.abc").write_text(text)
    monkeypatch.setattr(cobb, "fetch", lambda *where: tmp_path / "few.abc")
    few = ("data=cobb", "data.split_fractions=[0.6,0.2,0.2]", f"data.data_dir={tmp_path}")
    plain = prepare(*few)
    held = [
        "".join(plain.vocabulary.look_up(ids))
        for each in (plain.split.val, plain.split.test)
        for ids in plain.pieces(each)
    ]
    monkeypatch.setattr(cobb, "tunes_in_cobbs_layout", lambda characters: books(held))
    return plain, prepare(*few, "data.related_books=true")


def test_variants_and_namesakes_of_held_out_tunes_are_not_trained_on(tmp_path, monkeypatch):
    own = "X:{}\nT:{}\nM:C\nL:1/8\nK:G Major\n{}||!\n\n"

    def books(held):
        variant = re.sub(r"(?m)^T:.*", "T:Another Name", re.sub(r"^X:\d+", "X:1", held[0]))
        title = parse_abc(held[1]).pieces[0].title
        stranger = own.format(3, "A Tune of its Own", "GBdg bgdB|AcEg fdcA|G2e2 d2cB|ABAF G4")
        namesake = own.format(2, f"The {title.upper()}", "G2G2 G2e2|D8|c2B2 A2d2|G8")
        return [RawFile("book.abc", (variant.rstrip() + "\n\n" + namesake + stranger).encode())]

    plain, more = held_out_and_books(tmp_path, monkeypatch, books)
    names = [more.store.names[index] for index in more.split.train.pieces]
    assert [name for name in names if name.startswith(RELATED)] == [f"{RELATED}book.abc X:3"]
    for name in ("val", "test"):
        before, after = ([s.store.names[i] for i in getattr(s.split, name).pieces] for s in (plain, more))
        assert before == after != []


def test_a_tune_with_characters_of_its_own_is_left_out_and_the_others_are_numbered(monkeypatch):
    [path, *_] = [path for path in tunebook_files() if path.parent.name == BOOKS[1]]
    monkeypatch.setattr(tunebooks, "tunebook_files", lambda: [path])
    _, book, _ = tunebooks.tunes_in_cobbs_layout(set(map(chr, range(128))))
    assert book.name == f"{BOOKS[1]}.abc"
    numbers = re.findall(r"(?m)^X:(\d+)$", book.data.decode())
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)] != []
    _, fewer, _ = tunebooks.tunes_in_cobbs_layout(set(map(chr, range(128))) - {"^"})
    assert "^" in book.data.decode()
    assert 0 < len(fewer.data) < len(book.data)
    assert "^" not in fewer.data.decode()


def test_other_books_need_a_split_by_piece():
    with pytest.raises(EtudeError, match=r"data\.related_books=true needs data\.split=by_piece"):
        prepare("data=cobb", "data.related_books=true", "data.split=by_window")
