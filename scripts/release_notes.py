"""Print the section of CHANGELOG.md for this version, which a release publishes.

    python scripts/release_notes.py [TAG]

The version stands in pyproject.toml alone. TAG, if given, must be `v` and that version.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def release_notes(changelog: str, version: str) -> str:
    """Return the text under the heading `## [version] - date`; SystemExit if there is none."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    for section in sections:
        if re.match(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n", section):
            return section.partition("\n")[2].strip()
    raise SystemExit(f"CHANGELOG.md has no section '## [{version}] - DATE'; rename '## [Unreleased]' to it")


def main(tag: str | None) -> None:
    """Print the notes of pyproject.toml's version; SystemExit if the tag is another."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if tag not in (None, f"v{version}"):
        raise SystemExit(f"the tag is {tag}, but the version in pyproject.toml is {version}")
    print(release_notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
