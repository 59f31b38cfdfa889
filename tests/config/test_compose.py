from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from etude.config.compose import Checker, compose
from etude.config.problems import ConfigError, Problem
from etude.config.session import session
from etude.config.setting_limits import LARGEST

FEW = settings(max_examples=50, deadline=None)


def why(folder: Path, *overrides: str, config: str = "toy") -> dict[str, str]:
    """Each problem's `what` and `why`."""
    with pytest.raises(ConfigError) as caught:
        compose(config, overrides, folder=folder)
    return {problem.what: problem.why for problem in caught.value.problems}


def test_values_come_from_yaml_resolved_and_without_hydras_keys(toy: Path) -> None:
    config = compose("toy", folder=toy)
    assert OmegaConf.to_container(config, resolve=False) == {
        "seed": 0,
        "label": "net-8",
        "nickname": None,
        "net": {"width": 8, "dropout": 0.1, "gain": None, "mode": "plain", "bias": True, "sizes": [1, 2]},
        "corpus": {"files": "songs/*.abc", "_target_": "etude.toy.Songs"},
    }


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("seed=0", "seed", 0),
        ("net.width=9", "net.width", 9),
        ("++net.width=9", "net.width", 9),
        ("net.dropout=1e-3", "net.dropout", 0.001),
        ("net.dropout=0", "net.dropout", 0.0),
        ("net.gain=2", "net.gain", 2.0),
        ("net.gain=null", "net.gain", None),
        ("net.bias=false", "net.bias", False),
        ("net.sizes=[9,1]", "net.sizes", [9, 1]),
        ("nickname=7", "nickname", "7"),
        ("nickname='1e3'", "nickname", "1e3"),
        ("net={width:3,bias:false}", "net.width", 3),
        ("net=large", "net.width", 512),
        ("extras=quick", "net.width", 2),
        ("seed=${net.width}", "seed", 8),
    ],
)
def test_a_fitting_override_is_taken(checker: Checker, override: str, key: str, value: object) -> None:
    config, problems = checker.check([override])
    assert problems == []
    assert OmegaConf.select(config, key) == value


def test_what_fits_is_composed_once(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command is without choices matters only to what a mistake may have meant."""
    composed: list[tuple[str, ...]] = []
    compose_base = Checker._compose_base
    monkeypatch.setattr(
        Checker, "_compose_base", lambda self, lines: composed.append(lines) or compose_base(self, lines)
    )
    fresh = Checker(checker.loader, "toy")
    fresh.checked(["net=large", "seed=3", "net.width=4"])
    assert composed == [("net=large",)]
    assert fresh.check(["net=large", "net.widht=4"])[1] == [
        Problem("net.widht=4", "no such key; did you mean net.width?")
    ]


def test_a_key_of_the_shipped_choice_is_unknown_with_another(toy: Path) -> None:
    with pytest.raises(ConfigError, match=r"corpus\.files=x  no such key here; corpus=songs has it"):
        compose("toy", ["corpus=scores", "corpus.folder=x", "corpus.files=x"], folder=toy)


def test_a_setting_overrides_the_preset_it_is_typed_with(toy: Path) -> None:
    assert compose("toy", ["net.width=5", "extras=quick"], folder=toy).net.width == 5


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("net.widht=3", "no such key; did you mean net.width?"),
        ("+net.depth=3", "no such key"),
        ("++net.depth=3", "no such key"),
        ("+stray.deep.key=3", "no such key"),
        ("width=3", "no such key; did you mean net.width?"),
        ("nett=large", "no such key; did you mean net?"),
        ("net/inner=large", "no such group"),
        ("net/inner.width=3", "cannot be read; type net.inner.width=3"),
        ("shared/net=toy", "no such group"),
        ("net.width.x=3", "no such key"),
        ("corpus.folder=x", "no such key here; corpus=scores has it"),
        ("net.width=banana", "takes a whole number, got banana"),
        ("net.width=true", "takes a whole number, got true"),
        ("net.width=1.5", "takes a whole number, got 1.5"),
        ("net.width=null", "takes a whole number, got null"),
        ("net.dropout=true", "takes a number, got true"),
        ("net.gain=loud", "takes a number or null, got loud"),
        ("net.bias=3.5", "takes true or false, got 3.5"),
        ("net.sizes=[1,x]", "takes a list [...] of whole numbers, got [1,x]"),
        ("net.sizes=[1,10]", "must be at least 1 and at most 9, got 10"),
        ("nickname=true", "takes text, got True; to keep it as typed, quote it: \"nickname='true'\""),
        ("nickname=1e3", "takes text, got 1000.0; to keep it as typed, quote it: \"nickname='1e3'\""),
        ("net.width=0", "must be at least 1, got 0"),
        ("net.dropout=1", "must be at least 0 and below 1, got 1.0"),
        ("net.gain=0", "must be above 0, got 0.0"),
        ("net.dropout=nan", "must be at least 0 and below 1, got nan"),
        ("net.gain=inf", "must be above 0, got inf"),
        ("net.mode=gatd", "must be one of plain, gated, got 'gatd'"),
        ("net=larg", "no such choice for net; choose from: large, small; did you mean large?"),
        ("net=null", "is a group, which null does not fit; choose from: large, small; or leave it out: ~net"),
        ("~net", "cannot be left out; choose from: large, small"),
        ("~net.width", "is required and cannot be removed"),
        ("~net.gain", "is required and cannot be removed; to leave it empty type net.gain=null"),
        ("~net.none", "no such key"),
        ("+net.width=3", "is there already; type it without the +"),
        ("net", "is not of the form KEY=VALUE; type net=VALUE"),
        ("=3", "names no key; type KEY=VALUE"),
        ("net.sizes=[1,2", "ends too early: a bracket or a quote is open"),
        ("label='x", "has a quote at character 7 that is not closed"),
        ("label=c'4 d", 'is not closed; type "label=\\"c\'4 d\\""'),
        ("label=hi!x", "cannot be read from character 9 (!x); if it is text, quote it: \"label='...'\""),
        ("seed=int(x)", "ValueError while evaluating 'int(x)'"),
        ("seed=1,2", "is a sweep"),
        ("label=${net.widht}", "Interpolation key 'net.widht' not found"),
        ("hydra.run.dri=x", "no such key; did you mean hydra.run.dir?"),
        ("hydra/launcher=moon", "no such choice for hydra/launcher; choose from: basic"),
    ],
)
def test_each_mistake_is_named_in_the_words_of_the_command_line(
    checker: Checker, override: str, says: str
) -> None:
    [problem] = checker.check([override])[1]
    assert problem.what == override
    assert says in problem.why


def test_all_problems_come_at_once_in_the_order_typed(toy: Path) -> None:
    lines = ["net.widht=3", "net=larg", "seed=-1", "net.bias=3.5", "label='x", "nickname=ok"]
    assert list(why(toy, *lines)) == lines[:-1]


def test_the_message_lists_and_says_what_to_type_next(toy: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        compose("toy", ["net.widht=3", "seed=-1"], folder=toy)
    assert str(caught.value) == (
        "2 problems in the configuration\n"
        "  net.widht=3  no such key; did you mean net.width?\n"
        "  seed=-1      must be at least 0, got -1\n"
        "Type `etude toy --help` for the choices, `etude toy --cfg job` for every key and its value."
    )


def test_a_missing_choice_or_value_is_named(toy: Path) -> None:
    problems = why(toy, config="needy")
    assert problems["net"] == "must be chosen: net=large or net=small"
    assert problems["seed"] == "must be given; type seed=... (a whole number)"
    assert problems["nickname"] == "must be given; type nickname=... (text or null)"
    given = compose("needy", ["net=small", "seed=0", "nickname=x"], folder=toy)
    assert (given.seed, given.label) == (0, "x")


def test_a_missing_value_given_wrongly_is_one_problem(toy: Path) -> None:
    assert why(toy, "net=small", "seed=x", "nickname=y", config="needy") == {
        "seed=x": "takes a whole number, got x"
    }


def test_a_wrong_key_in_a_file_names_the_file(toy: Path) -> None:
    assert why(toy, "extras=broken") == {
        "extras/broken.yaml": "no such key: net.widht; did you mean net.width?"
    }


@pytest.mark.parametrize(
    "lines", [("extras=tunes", "corpus=scores"), ("corpus=scores", "extras=tunes")], ids=["extras", "corpus"]
)
def test_two_choices_that_do_not_go_together_are_one_problem(toy: Path, lines: tuple[str, str]) -> None:
    why_not = "has no key corpus.files, which extras/tunes.yaml sets; leave one of the two out"
    refused = {"corpus=scores": why_not}
    assert why(toy, *lines) == refused
    assert why(toy, *lines, "corpus.folder=x") == refused, "a key of a choice that is refused already"
    assert why(toy, *lines, "corpus.foldr=x")["corpus.foldr=x"].startswith("no such key")
    assert why(toy, *lines, "seed=x") == {**refused, "seed=x": "takes a whole number, got x"}


def test_an_unreadable_file_is_a_problem_not_a_crash(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "torn.yaml").write_text("width: [1,")
    with pytest.raises(ConfigError, match="net=torn"):
        compose("toy", ["net=torn"], folder=toy, extra=tmp_path)


def test_a_further_folder_adds_choices(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "mine.yaml").write_text("defaults: [small, _self_]\nwidth: 77\n")
    assert compose("toy", ["net=mine"], folder=toy, extra=tmp_path).net.width == 77


@pytest.fixture(scope="module")
def checker(toy: Path) -> Iterator[Checker]:
    with session(toy) as hydra:
        yield Checker(hydra.config_loader, "toy")


@given(number=st.integers())
@FEW
def test_whole_numbers_pass_exactly_within_their_range(checker: Checker, number: int) -> None:
    config, problems = checker.check([line := f"net.width={number}"])
    assert config is not None
    upper = f" and at most {LARGEST}" if abs(number) > LARGEST else ""
    if 1 <= number <= LARGEST:
        assert (config.net.width, problems) == (number, [])
    else:
        assert problems == [Problem(line, f"must be at least 1{upper}, got {number}")]


@given(number=st.floats())
@FEW
def test_numbers_pass_exactly_within_their_range(checker: Checker, number: float) -> None:
    config, problems = checker.check([line := f"net.dropout={number}"])
    assert config is not None
    if 0 <= number < 1:
        assert (config.net.dropout, problems) == (number, [])
    else:
        assert problems == [Problem(line, f"must be at least 0 and below 1, got {number}")]


LINES = st.text(max_size=12) | st.from_regex(
    r"[~+]{0,2}[a-z./@]{0,9}=?[a-z0-9,\[\]{}'$()!.-]{0,9}", fullmatch=True
)


@pytest.mark.parametrize(
    "lines", [pytest.param(60, id="of a few"), pytest.param(5000, id="of many", marks=pytest.mark.soak)]
)
def test_no_override_whatever_crashes_the_check(checker: Checker, lines: int) -> None:
    @settings(FEW, max_examples=lines)
    @given(line=LINES)
    def every(line: str) -> None:
        _, problems = checker.check([line])
        assert all(problem.why.strip() for problem in problems)

    every()


def test_composing_inside_a_job_leaves_the_jobs_hydra_as_it_was(toy: Path) -> None:
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    with session(toy) as hydra:
        config, _ = Checker(hydra.config_loader, "toy").check([])
        HydraConfig.instance().set_config(config)
        before = HydraConfig.get().job.config_name
        compose("needy", ["net=small", "seed=0", "nickname=x"], folder=toy)
        assert GlobalHydra.instance().hydra is hydra
        assert HydraConfig.get().job.config_name == before == "toy"


@pytest.fixture
def own(toy: Path, tmp_path: Path) -> Callable[[bytes], DictConfig]:
    """Compose with a file of the user's own folder, which is laid over the whole configuration."""

    def composed(content: bytes) -> DictConfig:
        (tmp_path / "extras").mkdir()
        (tmp_path / "extras" / "mine.yaml").write_bytes(content)
        return compose("toy", ["extras=mine"], folder=toy, extra=tmp_path)

    return composed


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"net:\n  width: 1\n dropout: 0\n", r"mine\.yaml, line 3, column 2: .*block mapping"),
        (b"net: {width: 1,\n", r"line 2, column 1: while parsing a flow node"),
        (b"a: b: c\n", r"line 1, column 5: mapping values are not allowed here"),
        (b"net:\n  width: 1\n  width: 2\n", r"line 3, column 3: .* duplicate key width"),
        (b"net:\n\twidth: 1\n", r"line 2, column 1: .*cannot start any token"),
        (b"seed: *x\n", r"line 1, column 7: found undefined alias"),
        (b"seed: 1\nlabel: a\x00\n", r"line 2, column 9: the character 0x0000 is not allowed"),
        (b"seed: 1\nlabel: \xe9t\xfcde\n", r"line 2: this is not UTF-8; save the file as UTF-8"),
        ("seed: 1\n".encode("utf-16"), r"line 1: this is not UTF-8; save the file as UTF-8"),
        (b"seed: !!python/name:os.system\n", r"line 1, column 7: could not determine a constructor"),
        (b"[\n" * 5_000, r"nested too deeply"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line_and_column(
    own: Callable[[bytes], DictConfig], content: bytes, says: str
) -> None:
    with pytest.raises(ConfigError, match=r"extras=mine .*" + says):
        own(content)


def test_a_byte_order_mark_is_no_part_of_a_file(own: Callable[[bytes], DictConfig]) -> None:
    assert own(b"\xef\xbb\xbf# @package _global_\r\nnet:\r\n  width: 77\r\n").net.width == 77


@pytest.mark.parametrize(
    "word", ["yes", "No", "on", "OFF", "y", "0012", "12:30", "0x1f", "0b11", "2024-01-01", "~x"]
)
def test_text_stays_as_it_is_written(own: Callable[[bytes], DictConfig], word: str) -> None:
    assert own(f"# @package _global_\ncorpus:\n  files: {word}\n".encode()).corpus.files == word


@pytest.mark.parametrize(("word", "value"), [("true", True), ("False", False), ("yes", True), ("off", False)])
def test_true_and_false_may_be_spelt_in_words(
    own: Callable[[bytes], DictConfig], word: str, value: bool
) -> None:
    assert own(f"# @package _global_\nnet:\n  bias: {word}\n".encode()).net.bias is value


@pytest.mark.parametrize("word", ["7", "+7", "1_000", "1e3", "null", ".5"])
def test_numbers_of_a_file_are_numbers(own: Callable[[bytes], DictConfig], word: str) -> None:
    value = own(f"# @package _global_\nnet:\n  gain: {word}\n".encode()).net.gain
    assert value == {"7": 7, "+7": 7, "1_000": 1000, "1e3": 1000, "null": None, ".5": 0.5}[word]


def test_a_number_that_would_be_rewritten_as_text_is_refused(own: Callable[[bytes], DictConfig]) -> None:
    with pytest.raises(ConfigError, match=r"files: takes text, got 1000\.0; to keep it as written, quote it"):
        own(b"# @package _global_\ncorpus:\n  files: 1e3\n")
