"""Published files: from a folder, from a server, or not at all; never a wrong or half a file."""

from __future__ import annotations

import hashlib
import http.server
import logging
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from corpora import published
from etude.addresses import without_credentials
from etude.config.compose import compose
from etude.corpora import sources
from etude.corpora.sources import Source, fetch
from etude.errors import EtudeError
from etude.runs.cleanup import TEMPORARY

CONTENT = b"X:1\nK:C\nC\n" * 1000
RIGHT = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def source(server):
    """A source published on the local server."""
    return Source(
        "tunes.abc", server.address + "/pub/tunes.abc", RIGHT, len(CONTENT), "all rights", "Nobody (1900)"
    )


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each path with what the test put into ``server.answers``; ``server.asked`` lists the paths."""

    def do_GET(self):
        self.server.asked.append(self.path)
        status, content, claimed = self.server.answers.get(self.path, (404, b"", 0))
        self.send_response(status)
        self.send_header("Content-Length", str(claimed))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("ETUDE_DATA_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answers, server.asked = {}, []
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def whole(content: bytes) -> tuple[int, bytes, int]:
    return 200, content, len(content)


def folder_with(path, content: bytes):
    path.mkdir()
    (path / "tunes.abc").write_bytes(content)
    return str(path)


def assert_only_the_right_file(raw_dir):
    assert [path.name for path in raw_dir.iterdir()] == ["tunes.abc"]
    assert (raw_dir / "tunes.abc").read_bytes() == CONTENT


def test_from_the_published_address_with_its_licence_in_the_log(tmp_path, source, server, caplog):
    server.answers["/pub/tunes.abc"] = whole(CONTENT)
    with caplog.at_level(logging.INFO):
        assert fetch(source, tmp_path / "raw") == tmp_path / "raw" / "tunes.abc"
    assert_only_the_right_file(tmp_path / "raw")
    assert "all rights" in caplog.text


def test_from_a_folder(tmp_path, source, server):
    mirror = folder_with(tmp_path / "mirror", CONTENT)
    fetch(source, tmp_path / "raw", mirror)
    assert_only_the_right_file(tmp_path / "raw")
    assert server.asked == []


def test_from_an_address_that_stands_in(tmp_path, source, server):
    server.answers["/mirror/tunes.abc"] = whole(CONTENT)
    fetch(source, tmp_path / "raw", server.address + "/mirror/")
    assert_only_the_right_file(tmp_path / "raw")
    assert server.asked == ["/mirror/tunes.abc"]


def test_the_argument_wins_over_the_environment(tmp_path, source, server, monkeypatch):
    server.answers["/mirror/tunes.abc"] = whole(CONTENT)
    monkeypatch.setenv("ETUDE_DATA_MIRROR", server.address + "/environment")
    fetch(source, tmp_path / "raw", server.address + "/mirror")
    assert server.asked == ["/mirror/tunes.abc"]


def test_the_environment_names_a_mirror(tmp_path, source, server, monkeypatch):
    monkeypatch.setenv("ETUDE_DATA_MIRROR", folder_with(tmp_path / "mirror", CONTENT))
    fetch(source, tmp_path / "raw")
    assert_only_the_right_file(tmp_path / "raw")
    assert server.asked == []


def test_a_file_that_is_there_is_used(tmp_path, source, server):
    folder_with(tmp_path / "raw", CONTENT)
    fetch(source, tmp_path / "raw")
    assert server.asked == []


def test_a_wrong_file_that_is_there_is_fetched_again_with_a_warning(tmp_path, source, server, caplog):
    folder_with(tmp_path / "raw", b"something else")
    server.answers["/pub/tunes.abc"] = whole(CONTENT)
    fetch(source, tmp_path / "raw")
    assert_only_the_right_file(tmp_path / "raw")
    assert "is not the published file" in caplog.text


@pytest.mark.parametrize("mirrored", [b"wrong", None], ids=["wrong file", "no file"])
def test_a_bad_mirror_gives_way_to_the_published_address(tmp_path, source, server, mirrored, caplog):
    mirror = folder_with(tmp_path / "mirror", mirrored) if mirrored else str(tmp_path / "none")
    server.answers["/pub/tunes.abc"] = whole(CONTENT)
    caplog.set_level(logging.INFO)
    fetch(source, tmp_path / "raw", mirror)
    assert_only_the_right_file(tmp_path / "raw")
    assert "could not be fetched from" in caplog.text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (whole(b"<html>Sign in</html>"), "sha256 is not the published one"),
        ((200, CONTENT[:5000], len(CONTENT)), "could not be fetched"),  # cut off
        ((200, CONTENT[:5000], 5000), "sha256 is not the published one"),
        ((404, b"", 0), "404"),
        ((500, b"", 0), "500"),
    ],
    ids=["another page", "interrupted", "half", "not found", "server error"],
)
def test_a_bad_answer_leaves_no_file(tmp_path, source, server, answer, reason):
    server.answers["/pub/tunes.abc"] = answer
    with pytest.raises(EtudeError, match=reason):
        fetch(source, tmp_path / "raw")
    assert list((tmp_path / "raw").iterdir()) == []


def test_no_network_and_no_mirror_is_one_sentence_with_the_command(tmp_path, source):
    nowhere = replace(source, url="http://127.0.0.1:9/tunes.abc")
    with pytest.raises(EtudeError) as caught:
        fetch(nowhere, tmp_path / "raw", str(tmp_path / "none"))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("tunes.abc could not be fetched from ")
    assert f"{tmp_path / 'none'} (there is no such file)" in message
    assert "http://127.0.0.1:9/tunes.abc (no connection)" in message
    assert message.endswith(f"curl -L -o {tmp_path}/raw/tunes.abc http://127.0.0.1:9/tunes.abc")


def test_a_folder_that_cannot_be_made(tmp_path, source):
    (tmp_path / "raw").write_text("in the way")
    with pytest.raises(EtudeError, match="cannot be made"):
        fetch(source, tmp_path / "raw")


def test_the_published_files_are_as_described(tmp_path):
    folder = str(published("erk.zip").parent)
    for corpus in ("erk", "mozart", "cobb"):
        source = Source(**compose("prepare", [f"data={corpus}"]).data.published)
        published(source.name)
        assert fetch(source, tmp_path, folder).stat().st_size == source.size


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends bytes for ever, at once or a few at a time."""

    pause = 0.0

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b"x" * 100)
                self.server.sent += 100
                time.sleep(self.pause)

    def log_message(self, *_):
        pass


@pytest.fixture
def endless(monkeypatch):
    monkeypatch.delenv("ETUDE_DATA_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.sent, server.daemon_threads = 0, True
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_server_without_end_is_left_at_the_stated_size(tmp_path, source, endless):
    with pytest.raises(EtudeError, match="more than the 10,000 bytes"):
        fetch(replace(source, url=endless.address), tmp_path / "raw")
    assert endless.sent < 20 * 2**20  # what lies in buffers
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_server_that_dribbles_is_left_at_the_deadline(tmp_path, source, endless, monkeypatch):
    monkeypatch.setattr(sources, "_DEADLINE_S", 0)
    monkeypatch.setattr(endless.RequestHandlerClass, "pause", 0.05)
    with pytest.raises(EtudeError, match=r"only [\d,]+ of 10,000 bytes came in"):
        fetch(replace(source, url=endless.address), tmp_path / "raw")


def test_a_file_on_its_way_has_a_name_that_gc_knows(tmp_path, source, server, monkeypatch):
    names = []

    def killed(*arguments, **_):
        names.extend(path.name for path in (tmp_path / "raw").iterdir())
        raise OSError("killed")

    monkeypatch.setattr("requests.get", killed)
    monkeypatch.setattr("shutil.copyfile", killed)
    with pytest.raises(EtudeError):
        fetch(source, tmp_path / "raw", folder_with(tmp_path / "mirror", CONTENT))
    assert len(names) == 2
    assert all(TEMPORARY.fullmatch(name) for name in names)


SECRET = "http://me:pass@127.0.0.1:9/mirror"


def test_a_password_in_an_address_is_refused_and_not_shown(monkeypatch):
    for typed in ([f"data.mirror={SECRET}"], [f"data.published.url={SECRET}"]):
        with pytest.raises(EtudeError, match="must not hold a password"):
            compose("prepare", typed)
    monkeypatch.setenv("ETUDE_DATA_MIRROR", SECRET)
    with pytest.raises(EtudeError, match=r"data\.mirror=http://127\.0\.0\.1:9/mirror ") as refused:
        compose("prepare")
    assert "pass@" not in str(refused.value)
    assert compose("prepare", ["data.mirror=folder@home"]).data.mirror == "folder@home"


def test_a_password_in_the_environment_is_not_shown_when_it_fails(tmp_path, source, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("ETUDE_DATA_MIRROR", SECRET)
    with pytest.raises(EtudeError) as refused:
        fetch(replace(source, url=SECRET), tmp_path / "raw")
    assert "me:pass" not in str(refused.value) + caplog.text
    assert without_credentials(f"see {SECRET}") == "see http://127.0.0.1:9/mirror"
