#!/bin/sh
# Writes the lock files anew from pyproject.toml. Existing pins stay unless they no longer fit;
# `make lock LOCK_ARGS=--upgrade` takes the newest of everything.
set -eu
cd "$(dirname "$0")/.."

uv=${UV:-uv}
if ! command -v "$uv" >/dev/null 2>&1; then
    echo "lock: uv is needed to write the lock files: pip install uv, or name it with UV=/path/to/uv" >&2
    exit 1
fi

# One file for every supported Python and system. No address of a package index is written: the files
# must work with whatever index pip is set up for.
compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --constraint requirements/torch.txt \
        --custom-compile-command 'make lock' --no-emit-index-url --no-emit-find-links \
        --no-emit-package torch "$@"
}

# torch's CUDA build brings libraries that its CPU build does not want; they come with torch, not from the lock.
cuda=$(compile --no-annotate --no-header pyproject.toml |
    awk -F '==' '/^(nvidia|cuda)-/ || $1 == "triton" { print "--no-emit-package " $1 }')

# The widest set first; the others take its versions, so that adding the tools moves no dependency.
# shellcheck disable=SC2086  # both are lists of words
compile $cuda ${LOCK_ARGS:-} --generate-hashes --extra dev pyproject.toml requirements/build.in \
    --output-file requirements/lock-dev.txt >/dev/null
# shellcheck disable=SC2086
compile $cuda --generate-hashes --constraint requirements/lock-dev.txt pyproject.toml \
    --output-file requirements/lock.txt >/dev/null
compile --generate-hashes --constraint requirements/lock-dev.txt requirements/build.in \
    --output-file requirements/lock-build.txt >/dev/null
echo "lock: wrote requirements/lock.txt, lock-dev.txt and lock-build.txt"
