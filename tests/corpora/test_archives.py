"""Archives: the members that are read, and malicious and damaged archives made byte by byte."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora import published
from etude.corpora import archives
from etude.corpora.archives import read_archive
from etude.errors import ReadError

FILES = {"b/two.krn": b"2", "a/one.krn": b"1", "b/ten.krn": b"10"}


def zip_bytes(files: dict[str, bytes], **attributes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.writestr(info, data)
    return buffer.getvalue()


def tar_bytes(files: dict[str, bytes], mode: str = "w:gz", **attributes: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read(tmp_path, data: bytes) -> list[tuple[str, bytes]]:
    path = tmp_path / "archive"
    path.write_bytes(data)
    return list(read_archive(path))


MAKERS = pytest.mark.parametrize(
    "make", [zip_bytes, tar_bytes, lambda files: tar_bytes(files, "w")], ids=["zip", "tar.gz", "tar"]
)


@MAKERS
def test_files_come_in_name_order(tmp_path, make):
    assert read(tmp_path, make(FILES)) == sorted(FILES.items())


@MAKERS
def test_hidden_members_and_those_of_macos_are_left_out(tmp_path, make):
    extra = {"__MACOSX/a/._one.krn": b"x", "a/.DS_Store": b"x", ".hidden": b"x", "a/__MACOSX/y": b"x"}
    assert read(tmp_path, make(FILES | extra)) == sorted(FILES.items())


def test_folders_are_left_out(tmp_path):
    assert read(tmp_path, zip_bytes({"a/": b"", "a/one": b"1"})) == [("a/one", b"1")]
    folder = tar_bytes({"a": b""}, type=tarfile.DIRTYPE)
    assert read(tmp_path, folder) == []


@MAKERS
@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/passwd", "..\\evil", "C:\\evil", "\\\\host\\evil"]
)
def test_a_name_that_leads_out_of_the_folder(tmp_path, make, name):
    with pytest.raises(ReadError, match="leads out"):
        read(tmp_path, make(FILES | {name: b"x"}))


def test_a_link_in_a_zip(tmp_path):
    with pytest.raises(ReadError, match="link"):
        read(tmp_path, zip_bytes({"a": b"/etc/passwd"}, external_attr=0o120777 << 16))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_device_in_a_tar(tmp_path, kind):
    with pytest.raises(ReadError, match="link or a device"):
        read(tmp_path, tar_bytes({"a": b""}, type=kind, linkname="/etc/passwd"))


@MAKERS
def test_too_much_content(tmp_path, make, monkeypatch):
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 2**20)
    with pytest.raises(ReadError, match="more than 1 MiB"):
        read(tmp_path, make({"bomb": bytes(2**20 + 1)}))


def test_a_bomb_among_the_files_that_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 2**20)
    with pytest.raises(ReadError, match="more than 1 MiB"):
        read(tmp_path, tar_bytes({"__MACOSX/bomb": bytes(2**21), "a": b"1"}))


def test_a_bomb_that_is_no_tar(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 2**20)
    with pytest.raises(ReadError, match="more than 1 MiB"):
        read(tmp_path, gzip.compress(bytes(2**21)))


def test_a_sparse_file_that_claims_a_terabyte(tmp_path):
    header = bytearray(tar_bytes({"a": b""}, "w")[:512])
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[257:265] = b"ustar  \0"
    header[386:398] = b"%011o " % 0  # the first block of the map: nothing at all
    header[483:495] = b"\x80\0\0\0\0\0\x01\0\0\0\0\0"  # the size when unpacked: 2**40
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(ReadError, match="more than"):
        read(tmp_path, bytes(header) + bytes(1024))


@MAKERS
def test_too_many_files(tmp_path, make, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 2)
    with pytest.raises(ReadError, match="more than 2 files"):
        read(tmp_path, make(FILES))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive at all",
        b"\x1f\x8b" + b"not gzip",
        gzip.compress(b"gzip, but no tar"),
        zip_bytes(FILES)[:-30],
        tar_bytes(FILES)[:-20],
        zip_bytes(FILES).replace(b"PK\x03\x04", b"PK\x03\x05"),
    ],
    ids=["empty", "text", "false gzip", "gzip of text", "cut zip", "cut tar.gz", "zip with damaged headers"],
)
def test_a_damaged_archive(tmp_path, data):
    with pytest.raises(ReadError, match="cannot be read") as caught:
        read(tmp_path, data)
    assert caught.value.path == str(tmp_path / "archive")


def test_wrong_content_is_not_handed_out(tmp_path):
    data = zip_bytes({"a": b"content that is stored"}, compress_type=zipfile.ZIP_STORED)
    with pytest.raises(ReadError, match="CRC"):
        read(tmp_path, data.replace(b"is stored", b"is forged"))


def test_an_encrypted_zip(tmp_path):
    data = bytearray(zip_bytes({"a": b"x"}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    with pytest.raises(ReadError, match="encrypted"):
        read(tmp_path, bytes(data))


def test_a_missing_archive_and_a_folder(tmp_path):
    for path in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(ReadError, match="no such file"):
            list(read_archive(path))


@pytest.mark.parametrize("data", [zip_bytes(FILES), tar_bytes(FILES), tar_bytes(FILES, "w")])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=8))
def test_damage_anywhere_is_a_read_error_or_nothing(tmp_path, data, changes):
    damaged = bytearray(data)
    for position, byte in changes:
        damaged[position % len(damaged)] = byte
    with contextlib.suppress(ReadError):
        read(tmp_path, bytes(damaged))


def test_the_published_archives():
    songs = dict(read_archive(published("erk.zip")))
    assert len(songs) == 1701  # the songs and CKSUM
    assert sum(name.endswith(".krn") for name in songs) == 1700
    assert len(list(read_archive(published("mozart_sonatas.tar.gz")))) == 20
