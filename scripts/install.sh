#!/bin/sh
# Makes .venv and installs the locked packages and Étude itself, or does nothing where that is done.
#
#   scripts/install.sh          what `make train` needs
#   scripts/install.sh dev      that and the tools of `make test`
#
# PYTHON          the interpreter to use; otherwise the first of python3, python3.13, python3.12, python3.11
#                 that is 3.11 or newer
# TORCH_PIP_ARGS  further arguments for the `pip install` of torch, such as where to find a CUDA or CPU build
# Both are remembered in .venv, so that an installation after a pull need not be told again.
#
# A stamp, written last, marks a finished installation. Without the right stamp .venv is made from nothing:
# after an interruption at any moment that is the one repair that is always right, and pip's cache makes it cheap.
set -eu
cd "$(dirname "$0")/.."

with=${1:-runtime}
case $with in
    runtime | dev) ;;
    *) echo "install: '$with' is not a set of packages: runtime or dev" >&2; exit 2 ;;
esac

venv=.venv
build_lock=requirements/lock-build.txt
torch_pin=requirements/torch.txt

say() { echo "install: $*"; }
fail() { echo "install: $*" >&2; exit 1; }

# A user's own settings for other places would send the packages elsewhere or break the new interpreter.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX
export PIP_USER=0

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
identity() { "$1" -c 'import sys; print(sys.version, sys.base_prefix)' 2>/dev/null; }
remembered() { cat "$venv/.$1" 2>/dev/null || true; }

stamp() {  # stamp PYTHON SET: the stamp of a finished installation of that set
    case $2 in
        runtime) key=$("$1" scripts/install_key.py "$build_lock" "$torch_pin" requirements/lock.txt) ;;
        dev) key=$("$1" scripts/install_key.py "$build_lock" "$torch_pin" requirements/lock-dev.txt) ;;
    esac || exit 1
    echo "$venv/.installed-$2-$key"
}

usable() {  # whether .venv is the environment that was asked for, apart from its packages
    new_enough "$venv/bin/python" || return 1
    [ -z "${PYTHON:-}" ] || [ "$(identity "$venv/bin/python")" = "$(identity "$PYTHON")" ] || return 1
    [ -z "${TORCH_PIP_ARGS:-}" ] || [ "$TORCH_PIP_ARGS" = "$(remembered torch-pip-args)" ]
}

# With .venv activated, `python3` is .venv's own, which is about to be removed: take the one it was made from.
outside() {
    "$1" -c "import os, sys
base = getattr(sys, '_base_executable', sys.executable)
inside = base.startswith(os.path.abspath('$venv') + os.sep)
print(os.path.realpath(base) if inside else base)"
}

find_python() {  # sets $python
    found=
    for candidate in ${PYTHON:+"$PYTHON"} "$(remembered python)" python3 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        if new_enough "$candidate"; then
            python=$(outside "$candidate")
            return
        fi
        if [ -n "${PYTHON:-}" ]; then
            break  # asked for by name: another one would be a surprise
        fi
        version=$("$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null) &&
            found="$found, $candidate is $version"
    done
    if [ -n "${PYTHON:-}" ]; then
        fail "PYTHON=$PYTHON is not a Python 3.11 or newer: name one that is, or leave PYTHON out"
    fi
    fail "Python 3.11 or newer is needed${found:+ (${found#, })}: install it (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13), or name one with PYTHON=/path/to/python3.12"
}

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

install_locked() {  # exactly the locked files: any other hash is refused, and no build step fetches tools
    pip install -qq --require-hashes --no-deps --no-build-isolation --use-pep517 -r "$1" ||
        fail "the packages of $1 could not be installed (pip's reason is above); the same command tries again"
}

finish() {
    pip check >/dev/null || { pip check >&2 || true; fail "the installed packages do not fit together (see above)"; }
    : >"$(stamp "$venv/bin/python" "$with")"
    say "done: .venv has $("$venv/bin/python" --version) and what '$with' needs"
}

# One installation at a time. The lock goes with the processes that hold it, however they end;
# where the file system has no locks, there is none.
lock() {
    "$1" -c "import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | $2)
except BlockingIOError:
    sys.exit(75)
except OSError:
    pass" 9>&9
}

hold() {
    exec 9>>.venv.lock
    blocked=0
    lock "$1" fcntl.LOCK_NB || blocked=$?
    if [ "$blocked" = 75 ]; then
        say "another installation is at work here; waiting for it"
        lock "$1" 0
    fi
}

# The quick way out, taken nearly every time.
ready() {
    usable || return 1
    [ -e "$(stamp "$venv/bin/python" dev 2>/dev/null)" ] && return
    [ "$with" = runtime ] && [ -e "$(stamp "$venv/bin/python" runtime 2>/dev/null)" ]
}
ready && exit 0

find_python
stamp "$python" "$with" >/dev/null || fail "pyproject.toml or a file of requirements/ can't be read (the reason is above)"
hold "$python"
ready && exit 0  # the installation that was waited for has done it

git --version >/dev/null 2>&1 ||
    fail "git is needed: install it (Debian, Ubuntu: apt-get install git; macOS: xcode-select --install)"

if usable && [ -e "$(stamp "$venv/bin/python" runtime)" ]; then
    say "adding the tools of 'make test' to .venv"
    rm -f "$venv"/.installed-*  # until they are all there, nothing is
    install_locked requirements/lock-dev.txt
    finish
    exit 0
fi

"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    fail "$python has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)"

torch_pip_args=${TORCH_PIP_ARGS:-$(remembered torch-pip-args)}
chosen=${PYTHON:-$(remembered python)}
say "making .venv with $("$python" --version) and installing the locked packages (some minutes the first time)"
rm -f "$venv"/.installed-*
rm -rf "$venv"
mkdir "$venv"
printf '%s' "$torch_pip_args" >"$venv/.torch-pip-args"
printf '%s' "$chosen" >"$venv/.python"
"$python" -m venv "$venv" || fail "$python could not make .venv (its reason is above)"

case $with in
    runtime) lock_file=requirements/lock.txt ;;
    dev) lock_file=requirements/lock-dev.txt ;;
esac
install_locked "$build_lock"
install_locked "$lock_file"
say "installing torch (on Linux the usual build brings gigabytes for CUDA; 'make help' tells of a smaller one)"
# shellcheck disable=SC2086  # a list of words
pip install -r "$torch_pin" $torch_pip_args ||
    fail "torch could not be installed (pip's reason is above): 'make help' tells how to choose its build"
pip install -qq --no-deps --no-build-isolation --editable . ||
    fail "Étude itself could not be installed (pip's reason is above)"
finish
