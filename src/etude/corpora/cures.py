"""Cures of rejections: the setting that takes what was rejected."""

from __future__ import annotations

import re

from etude.corpora.store import Store


def cure(store: Store) -> str:
    """Return what to type if one reason rejects most pieces and a setting cures it; "" otherwise."""
    [(reason, count)] = store.reasons.most_common(1) or [("", 0)]
    if 2 * count <= store.num_rejected:
        return ""
    pieces = f"{count} of the rejected pieces" if store.num_rejected > 1 else "the rejected piece"
    if step := re.search(r"a step of (\S+) takes it", reason):
        return f"data.encoding.step={step[1]} takes {pieces}"
    if "quantise=nearest" in reason:
        return f"data.quantise=nearest takes {pieces}"
    if reason.startswith("the piece states no key"):
        return f"data.infer_key=true infers the keys of {pieces}"
    if reason == "notes sound at once":
        have = "1 piece has" if count == 1 else f"{count} pieces have"
        return f"{have} several notes at once: choose a part with data.track=…, or data.melody=highest"
    return ""
