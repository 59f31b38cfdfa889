"""Print one name for all that an installed environment depends on; scripts/install.sh stamps it.

The environment is made anew when the name changes. Of pyproject.toml only the tables that shape the
installed package count: a change to a linter's rules must not cost an installation. The folder counts,
because an environment that was moved has wrong paths in its scripts; so does Python's minor version,
because an upgrade of the system's Python leaves the packages in a folder that the new one does not read.
"""

import hashlib
import sys
import tomllib
from pathlib import Path

if __name__ == "__main__":
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    shape = [project.get("build-system"), project.get("project"), project.get("tool", {}).get("hatch")]
    key = hashlib.sha256(repr([str(Path.cwd()), sys.version_info[:2], shape]).encode())
    for name in sys.argv[1:]:
        key.update(Path(name).read_bytes())
    print(key.hexdigest()[:16])
