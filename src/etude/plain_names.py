"""Plain file names: a single path component that is valid on every operating system."""

from __future__ import annotations

import unicodedata

from etude.errors import EtudeError

SWEEPS = "sweeps"  # the folder below outputs that is no run's
LONGEST = 120  # characters; file systems take 255 bytes, and temporary names add to it
_FORBIDDEN = set('/\\:*?"<>|')
# control characters, formatting marks such as right-to-left overrides, unpaired surrogates, line separators
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def name_problem(name: object) -> str:
    """Return why a name is not plain, as the rest of a sentence that begins with it; "" if it is.

    A plain name is one component of a path. It cannot be hidden, an option, or an address.
    """
    if not isinstance(name, str) or not name:
        return "must be a name, not empty"
    if len(name) > LONGEST or len(name.encode("utf-8", "surrogatepass")) > 2 * LONGEST:
        return f"is too long; a name has at most {LONGEST} characters"
    if found := sorted(_FORBIDDEN & set(name)):
        return f"must be one plain name, without {' '.join(found)}"
    if any(unicodedata.category(character) in _HIDDEN for character in name):
        return "must be one plain name, without control characters"
    if name[0] in ".-~" or name != name.strip() or name.endswith("."):
        return "must not begin with . - or ~, or end with a dot, or have a space at either end"
    return ""


def path_problem(name: object) -> str:
    """Return why a path is not plain names joined by slashes; "" if it is."""
    if not isinstance(name, str):
        return name_problem(name)
    return next((problem for part in name.split("/") if (problem := name_problem(part))), "")


def check_name(name: object, what: str) -> None:
    """Raise EtudeError for a name that is not plain; ``what`` begins the message."""
    if problem := name_problem(name):
        raise EtudeError(f"{what}={name!r}: {problem}")
