#!/bin/sh
# Audit the locked packages: a bill of materials in build/sbom.json, then the known vulnerabilities of each.
# Ends with 0 only if a database answered for each package and knows of no fault (--strict: none is passed over);
# where none can be reached, it says so and fails.
set -eu
cd "$(dirname "$0")/.."

tools=build/audit
mkdir -p build
if [ ! -x "$tools/bin/pip-audit" ] || [ ! -x "$tools/bin/cyclonedx-py" ]; then
    "${PYTHON:-python3}" -m venv "$tools"
    "$tools/bin/pip" install --quiet 'pip-audit>=2.9,<3' 'cyclonedx-bom>=7,<8' || {
        echo "audit: pip-audit and cyclonedx-bom could not be installed: nothing was checked" >&2
        exit 2
    }
fi

"$tools/bin/cyclonedx-py" requirements requirements/lock.txt --output-reproducible -o build/sbom.json
echo "audit: build/sbom.json lists the packages of requirements/lock.txt (CycloneDX)"

if "$tools/bin/pip-audit" --requirement requirements/lock.txt --disable-pip --require-hashes \
    --strict --progress-spinner off >build/audit.txt 2>&1; then
    cat build/audit.txt
    exit 0
fi
tail -n 20 build/audit.txt >&2
if grep -q '^Found [0-9]' build/audit.txt; then
    echo "audit: packages with known vulnerabilities are locked; raise them in pyproject.toml, then make lock" >&2
    exit 1
fi
echo "audit: no database of vulnerabilities could be reached: nothing is known, which is not the same as none" >&2
exit 2
