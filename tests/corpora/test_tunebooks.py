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
    """Of each held-out tune there is a variant with another end and title, and a tune with its title."""
    own = "X:{}\nT:{}\nM:C\nL:1/8\nK:G Major\n{}||!\n\n"
    melodies = ["GBdg bgdB|AcEg fdcA|G2e2 d2cB|ABAF G4", "G2G2 G2e2|D8|c2B2 A2d2|G8"]

    def books(held):
        tunes = []
        for tune in held:
            head, music = tune.split("\nK:")
            key, *lines = music.strip().split("\n")
            other_end = [*lines[:-1], lines[-1][: len(lines[-1]) // 2].rpartition("|")[0] + "||!"]
            title = re.search(r"(?m)^T:(.*)$", head)[1]
            head = re.sub(r"(?m)^T:.*$", f"T:Name {len(tunes)}", head)
            head = re.sub(r"^X:.*", f"X:{len(tunes)}", head)
            tunes += ["\n".join([f"{head}\nK:{key}", *other_end]) + "\n\n"]
            tunes += [own.format(len(tunes), f"The {title.upper()}", melodies[1])]
        return [
            RawFile("book.abc", "".join([*tunes, own.format(999, "A Tune of its Own", melodies[0])]).encode())
        ]

    plain, more = held_out_and_books(tmp_path, monkeypatch, books)
    names = [more.store.names[index] for index in more.split.train.pieces]
    assert [name for name in names if name.startswith(RELATED)] == [f"{RELATED}book.abc X:999"]
    held = [plain.store.tunes[index] for index in (*plain.split.val.pieces, *plain.split.test.pieces)]
    assert len(more.store) == len(plain.store) + 2 * len(held) + 1
    for name in ("val", "test"):
        before, after = ([s.store.names[i] for i in getattr(s.split, name).pieces] for s in (plain, more))
        assert before == after != []


def test_a_tune_with_characters_of_its_own_is_left_out_and_the_others_are_numbered(monkeypatch):
    monkeypatch.setattr(
        tunebooks, "tunebook_files", lambda books: tunebook_files(books)[:1] * (books == [BOOKS[1]])
    )
    _, book, _ = tunebooks.tunes_in_cobbs_layout(set(map(chr, range(128))))
    assert book.name == f"{BOOKS[1]}.abc"
    numbers = re.findall(r"(?m)^X:(\d+)$", book.data.decode())
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)] != []
    _, fewer, _ = tunebooks.tunes_in_cobbs_layout(set(map(chr, range(128))) - {"^"})
    assert "^" in book.data.decode()
    assert 0 < len(fewer.data) < len(book.data)
    assert "^" not in fewer.data.decode()


@pytest.mark.parametrize("without", ["data.split=by_window", "data.reader=music21"])
def test_other_books_need_a_split_by_piece_and_repeats(without):
    needed = {"data.split=by_window": "data.split=by_piece", "data.reader=music21": "data.reader=fast"}
    with pytest.raises(EtudeError, match=f"data.related_books=true needs {needed[without]}"):
        prepare("data=cobb", "data.related_books=true", without)


def test_where_variants_cannot_be_found_nothing_is_split(tmp_path, monkeypatch):
    """A second try after an error must not train on what the first would have left out."""

    def books(held):
        return [RawFile("book.abc", ("X:1\n" + held[0].split("\n", 1)[1].rstrip() + "\n\n").encode())]

    _, more = held_out_and_books(tmp_path, monkeypatch, books)

    def no_songs(*_):
        raise EtudeError("no room")

    monkeypatch.setattr(cobb, "remembered_songs", no_songs)
    for _ in range(2):
        with pytest.raises(EtudeError, match="no room"):
            _ = more.split
