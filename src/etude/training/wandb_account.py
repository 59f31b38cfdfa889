"""Account and server of Weights & Biases: checked before anything is sent."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from etude.addresses import without_credentials
from etude.errors import EtudeError
from etude.training.settings import LoggerSettings

PATIENCE = 5.0  # seconds that a W&B server has to accept a connection
OFFLINE = "take logger.wandb.mode=offline and wandb sync later"


def check_account(settings: LoggerSettings) -> None:
    """Raise EtudeError if W&B is enabled online without a login, or if its server cannot be reached."""
    if settings.wandb is not None and settings.wandb.mode == "online":
        check_login("logger.wandb.mode=online", OFFLINE)


def check_login(what: str, otherwise: str) -> None:
    """Raise EtudeError without a login, or if W&B's server cannot be reached.

    ``what`` needs them; ``otherwise`` is what to do instead.
    """
    import wandb

    server = wandb.setup().settings.base_url
    if why := _unreachable(server):  # W&B itself would wait for minutes
        shown = without_credentials(server)
        raise EtudeError(f"the W&B server {shown} cannot be reached ({why}); {otherwise}")
    try:
        is_known = wandb.login(prompt=False)
    except wandb.Error as error:
        raise EtudeError(f"{str(error).strip()}; type wandb login again, or {otherwise}") from error
    if not is_known:
        raise EtudeError(f"{what} needs an account: type wandb login first, or {otherwise}")


def _unreachable(server: str) -> str:
    """Say why a server cannot be connected to; "" if it can, or if a proxy stands between."""
    address = urlsplit(server)
    if getproxies().get(address.scheme) and not proxy_bypass(address.netloc):
        return ""
    port = address.port or {"http": 80}.get(address.scheme, 443)
    try:
        socket.create_connection((address.hostname or "", port), timeout=PATIENCE).close()
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""
