"""What counts as the code that made a run."""

import pytest

from etude.config.compose import compose, plain
from etude.runs.code_hash import meaning, training_code

SOURCE = '''
"""A module."""
def double(x):
    """Twice."""
    return 2 * x  # as it says
class Box:
    """Holds."""
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Twice.", "Two times.", True),
        ("# as it says", "", True),
        ("2 * x", "(2 * x)", True),
        ('    """Holds."""', "    pass", True),
        ("2 * x", "3 * x", False),
        ("def double", "def twice", False),
        ("return 2", 'return "" or 2', False),
    ],
)
def test_comments_and_layout_mean_nothing_and_code_does(old: str, new: str, same: bool) -> None:
    assert old in SOURCE
    assert (meaning(SOURCE) == meaning(SOURCE.replace(old, new))) == same


def test_a_training_s_code_is_its_model_and_the_order_of_the_data() -> None:
    files = training_code(plain(compose("train")))
    assert {"models/lstm.py", "models/module.py", "models/network.py", "corpora/windows.py"} <= set(files)
    assert not any(file.startswith(("commands", "reports", "scores", "sampling", "runs")) for file in files)
