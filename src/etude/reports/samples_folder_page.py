"""Self-contained HTML page of a folder of samples."""

from __future__ import annotations

from pathlib import Path

from etude.evaluation.statistics import well_formed_line
from etude.reports.pages import render
from etude.reports.sample_cards import Room, sample_set


def samples_folder_page(folder: Path, *, command: str | None = None) -> str:
    """Return the page of a folder with samples.json: each sample with player, score and piano roll.

    ``command``: the line to show, in place of that in samples.json.
    """
    found = sample_set(folder, "sample", Room())
    about = {} if found is None else found.about
    return render(
        "samples_folder.html",
        title=f"Samples of {about.get('model', 'a network')} trained on {about.get('corpus', 'music')}",
        name=folder.name,
        run_command=command or about.get("command") or "",
        about=about,
        samples=found,
        well_formed=well_formed_line(about.get("well_formed", 0), about["generated"])
        if about.get("generated")
        else "",
    )
