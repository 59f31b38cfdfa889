from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared corpora, which all tests of the folder share."""
    return tmp_path_factory.mktemp("data")
