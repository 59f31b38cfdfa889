"""The manifest: under which circumstances a run was made."""

from __future__ import annotations

import subprocess
from pathlib import Path

from etude.runs import manifest


def test_a_change_to_a_file_of_any_bytes_is_kept(tmp_path: Path) -> None:
    (tmp_path / "manifest.py").touch()
    (tmp_path / "tune.abc").write_bytes("T:Café\n".encode("latin-1"))
    me = ("-c", "user.name=me", "-c", "user.email=me@here", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "."), (*me, "commit", "-qm", "first")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    (tmp_path / "tune.abc").write_bytes("T:Fée\n".encode("latin-1"))
    assert "F\N{REPLACEMENT CHARACTER}e" in str(manifest.git_state(tmp_path / "manifest.py")["diff"])
