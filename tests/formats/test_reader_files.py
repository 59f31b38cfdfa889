"""Every reader gives one rejection, never an exception, for a path or bytes that are no music."""

from __future__ import annotations

import os

import pytest

from etude.errors import ReadError
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.base import decode_text
from etude.formats.kern.reader import read_kern_bytes
from etude.formats.music21_reader import read_with_music21_bytes
from file_reading import read_path

PATH_READERS = pytest.mark.parametrize("read", [read_abc_bytes, read_kern_bytes, read_with_music21_bytes])
BYTE_READERS = pytest.mark.parametrize("read", [read_abc_bytes, read_kern_bytes])


def only_rejection(reading) -> ReadError:
    assert reading.pieces == []
    (error,) = reading.rejected
    return error


@PATH_READERS
def test_a_missing_file(tmp_path, read):
    error = only_rejection(read_path(tmp_path / "none.abc", read))
    assert (error.reason, error.path) == ("there is no such file", str(tmp_path / "none.abc"))


@PATH_READERS
def test_a_folder(tmp_path, read):
    assert only_rejection(read_path(tmp_path, read)).reason == "this is not a file but a folder"


@PATH_READERS
def test_a_pipe_that_nobody_writes_to(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.abc")
    assert only_rejection(read_path(tmp_path / "pipe.abc", read)).reason == "this is not a file"


@PATH_READERS
def test_a_file_that_may_not_be_opened(tmp_path, read, monkeypatch):
    path = tmp_path / "a.abc"
    path.write_text("X:1\nK:C\nC\n")

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", refuse)  # as root every file may be opened
    assert "Permission denied" in only_rejection(read_path(path, read)).reason


@PATH_READERS
def test_a_name_with_a_nul(tmp_path, read):
    assert only_rejection(read_path(tmp_path / "a\0b", read))


@BYTE_READERS
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (b"MThd\x00\x00\x00\x06\x00\x01", "binary"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "binary"),
        (b"PK\x03\x04\x14\x00\x00\x00", "binary"),
        (b"X:1\nK:C\n" + b"\x01\x02" * 50, "binary"),
        (b"<!DOCTYPE html>\n<html><body>Not found</body></html>", "web page"),
        (b"\n <HTML>", "web page"),
    ],
    ids=["nothing", "white space", "MIDI", "PNG", "zip", "control characters", "HTML", "old HTML"],
)
def test_bytes_that_are_no_text(read, data, reason):
    error = only_rejection(read(data, "x/a.abc"))
    assert reason in error.reason
    assert (error.path, error.place) == ("x/a.abc", "")


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("etude.formats.base.MAX_FILE_BYTES", 2**20)
    path = tmp_path / "a.abc"
    path.write_bytes(b"C" * (2**20 + 1))
    assert "larger than 1 MiB" in only_rejection(read_path(path, read_abc_bytes)).reason
    with pytest.raises(ReadError, match="larger than 1 MiB"):
        decode_text(path.read_bytes(), "a.abc")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Märchen\n".encode(), "Märchen\n"),
        ("Märchen\n".encode("latin-1"), "Märchen\n"),
        ("Märchen".encode("utf-16"), "Märchen"),
        (b"\xef\xbb\xbfa\rb\r\nc\n", "a\nb\nc\n"),
        (b"\xff\xfea", "ÿþa"),  # half a UTF-16 character: read as Latin-1
        (b"a\x0cb\x1b", "a\x0cb\x1b"),
    ],
)
def test_text_is_decoded(data, text):
    assert decode_text(data, "a") == text
