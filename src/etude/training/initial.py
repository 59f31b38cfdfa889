"""init_from: the weights that a training starts from."""

from __future__ import annotations

from pathlib import Path

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.models.initial_weights import InitialWeights, read_initial
from etude.models.pretrained import PREFIX
from etude.runs.lookup import find_checkpoint


def initial_weights(config: ResolvedConfig) -> tuple[InitialWeights | None, ResolvedConfig]:
    """Return the weights that ``init_from`` names, and the config with their file and checksum.

    EtudeError if they are not those of ``init_sha256``, which a stored training states.
    """
    typed, wanted = config["init_from"], config["init_sha256"]
    if typed is None:
        if wanted is not None:
            raise EtudeError("init_sha256 is the checksum of init_from: type init_from=… too")
        return None, config
    needed = "" if wanted is None else f"; the weights with init_sha256={wanted} are needed"
    try:
        found = read_initial(find_checkpoint(typed)[0])
    except EtudeError as error:
        raise EtudeError(f"init_from={typed}: {error}{needed}") from error
    if wanted not in (None, found.sha256):
        raise EtudeError(f"init_from={typed} holds other weights ({found.sha256}){needed}")
    # What "latest" or the beginning of a name means changes with the next training.
    place = typed if typed.startswith(PREFIX) and not Path(typed).exists() else str(found.path)
    return found, config.changed(init_from=place, init_sha256=found.sha256)
