"""`make audit` says "none known" only where a database answered for every package."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "audit.sh"


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("echo 'No known vulnerabilities found'", 0, "No known vulnerabilities"),
        ("echo 'Found 2 known vulnerabilities in 1 package'; exit 1", 1, "known vulnerabilities are locked"),
        ("echo 'ConnectionError' >&2; exit 1", 2, "no database of vulnerabilities could be reached"),
        (
            'case "$*" in *--strict*) exit 1;; esac; echo "No known vulnerabilities found, 90 skipped"',
            2,
            "no database",
        ),
    ],
)
def test_what_an_audit_ends_with(tmp_path: Path, answer: str, code: int, said: str) -> None:
    tools = tmp_path / "build" / "audit" / "bin"
    tools.mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    for name, body in (("pip-audit", answer), ("cyclonedx-py", ":")):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    done = subprocess.run(
        ["sh", "scripts/audit.sh"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert said in done.stdout + done.stderr
