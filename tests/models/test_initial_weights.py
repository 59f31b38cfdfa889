"""Initial weights of another training: matched by name, shape and token, from any file."""

import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from etude.config.resolved import ResolvedConfig
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel, metadata
from etude.models.export import export_weights
from etude.models.freezing import freeze
from etude.models.initial_weights import InitialWeights, Match, read_initial, start_from
from networks import CHOICES, VOCABULARY, V, config_of, ids, network_of

NETWORKS = [choice for choice in CHOICES if choice != "markov"]
# the same tokens and two more, in another order
WIDER = Vocabulary([VOCABULARY.tokens[0], "72", *reversed(VOCABULARY.tokens[1:]), "73"])


class PublishedLSTM(nn.Module):
    """The model of "Musical Interrogation III", with its names; the forward pass gives every position."""

    def __init__(self, vocab_size: int, input_dim: int, hidden_dim: int, layer_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, input_dim)
        self.lstm = nn.LSTM(input_dim, hidden_dim, layer_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, vocab_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out, _ = self.lstm(self.embedding(x))
        logits: torch.Tensor = self.fc(out)
        return logits


def matched(
    network: nn.Module, given: InitialWeights, choice: str, vocabulary: Vocabulary, **changes
) -> Match:
    return start_from(given, network, ResolvedConfig(config_of(choice, **changes)), vocabulary)


def of(network: nn.Module, vocabulary: Vocabulary | None = VOCABULARY) -> InitialWeights:
    return InitialWeights(Path("weights.pt"), dict(network.state_dict()), vocabulary)


@pytest.mark.parametrize("choice", NETWORKS)
@pytest.mark.parametrize("changes", [{}, {"embedding_dim": None}], ids=["", "as wide as the vocabulary"])
def test_the_same_music_gets_the_same_logits_under_a_vocabulary_in_another_order(choice, changes):
    changes = {key: value for key, value in changes.items() if key in config_of(choice)["model"]}
    if "embedding_dim" in changes and choice in ("ffn", "lstm_cell"):
        pytest.skip("ffn has a width of its own; lstm_cell is the next test")
    trained = network_of(choice, seed=1, **changes).eval()
    turned = Vocabulary([VOCABULARY.tokens[0], *reversed(VOCABULARY.tokens[1:])])
    network = network_of(choice, seed=2, **changes).eval()
    assert of(trained).sha256 != of(network).sha256
    match = matched(network, of(trained), choice, turned, **changes)
    assert match.random == match.unused == match.new_tokens == []
    music = ids(2, 9)
    place = torch.tensor([turned.id_of[token] for token in VOCABULARY.tokens])
    torch.testing.assert_close(network(place[music])[0][..., place], trained(music)[0])


@pytest.mark.parametrize("choice", NETWORKS)
def test_rows_of_common_tokens_are_copied_and_those_of_new_ones_stay_random(choice):
    trained, network = network_of(choice, seed=1), network_of(choice, len(WIDER), seed=2)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    match = matched(network, of(trained), choice, WIDER)
    assert (match.tokens, match.new_tokens) == (V, ["72", "73"])
    name = "linear.weight" if "linear.weight" in before else sorted(before)[-1]
    after, given = network.state_dict()[name], trained.state_dict()[name]
    for token, row in WIDER.id_of.items():
        expected = given[VOCABULARY.id_of[token]] if token in VOCABULARY.id_of else before[name][row]
        assert torch.equal(after[row], expected), token


@pytest.mark.parametrize("layers", [1, 3])
def test_the_published_state_dict_of_the_lstm_article_is_model_lstm(layers, tmp_path):
    torch.manual_seed(0)
    published = PublishedLSTM(V, V, 32, layers)
    torch.save(published.state_dict(), tmp_path / "state_dict.pt")
    given = read_initial(tmp_path / "state_dict.pt")
    changes = {"embedding_dim": None, "num_layers": layers}
    network = network_of("lstm", seed=1, **changes).eval()
    match = matched(network, given, "lstm", VOCABULARY, **changes)
    assert match.random == match.unused == []
    torch.testing.assert_close(network(ids(2, 9))[0], published(ids(2, 9)))


def test_inputs_that_are_not_tokens_alone_are_listed_under_another_vocabulary():
    network = network_of("lstm_cell", embedding_dim=None)
    turned = Vocabulary([VOCABULARY.tokens[0], *reversed(VOCABULARY.tokens[1:])])
    trained = network_of("lstm_cell", seed=1, embedding_dim=None)
    match = matched(network, of(trained), "lstm_cell", turned, embedding_dim=None)
    assert f"lstm.forget.weight (32, {V + 32}), which mixes tokens with other inputs" in match.random


def test_what_does_not_fit_is_listed_with_both_shapes():
    network = network_of("lstm", hidden_dim=16)
    match = matched(network, of(network_of("lstm", num_layers=3)), "lstm", VOCABULARY, hidden_dim=16)
    assert "embedding.weight" in match.copied
    text = str(match)
    assert "random: lstm.weight_ih_l0 (64, 8), in the file (128, 8)" in text
    assert "not used: upper.1.weight_ih_l0" in text


def test_a_file_without_a_fitting_tensor_is_refused():
    other = InitialWeights(Path("weights.pt"), {"body.weight": torch.zeros(3)}, None)
    with pytest.raises(EtudeError, match=r"no weights fit this model.*body\.weight \(3,\)"):
        matched(network_of("lstm"), other, "lstm", VOCABULARY)


def test_a_model_that_counts_has_nothing_to_start_from():
    with pytest.raises(EtudeError, match="counts its corpus"):
        matched(network_of("markov"), of(network_of("markov")), "markov", VOCABULARY)


def test_a_checkpoint_and_its_export_are_the_same_weights(tmp_path):
    network, config = network_of("lstm"), ResolvedConfig(config_of("lstm"))
    about = metadata(config, VOCABULARY, "0" * 64)
    weights = {f"network.{name}": each for name, each in network.state_dict().items()}
    torch.save({"etude": about, "state_dict": weights}, tmp_path / "best.ckpt")
    export_weights(
        TrainedModel(network, None, VOCABULARY, config), "0" * 64, tmp_path / "x.safetensors", torch.float32
    )
    checkpoint, export = read_initial(tmp_path / "best.ckpt"), read_initial(tmp_path / "x.safetensors")
    assert checkpoint.vocabulary == VOCABULARY == export.vocabulary
    assert checkpoint.sha256 == export.sha256
    changed = dict(checkpoint.weights) | {"linear.bias": torch.zeros(V)}
    assert InitialWeights(tmp_path, changed, VOCABULARY).sha256 != checkpoint.sha256
    assert InitialWeights(tmp_path, checkpoint.weights, WIDER).sha256 != checkpoint.sha256


def _text(path: Path) -> None:
    path.write_text("no weights")


def _whole_model(path: Path) -> None:
    torch.save(network_of("lstm"), path)


def _numbers(path: Path) -> None:
    torch.save({"lr": 0.1}, path)


def _infinite(path: Path) -> None:
    torch.save({"linear.bias": torch.tensor([1.0, float("nan")])}, path)


def _two_of_a_token(path: Path) -> None:
    torch.save({"etude": {"vocabulary": ["60", "60"]}, "state_dict": {"a": torch.zeros(1)}}, path)


def _no_tokens(path: Path) -> None:
    torch.save({"etude": {"vocabulary": [60]}, "state_dict": {"a": torch.zeros(1)}}, path)


def _damaged(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        [at] = [each.header_offset for each in archive.infolist() if each.filename.endswith("data/0")]
    data[at + 400] ^= 255
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (_text, "is no file of torch.save's|holds more than weights"),
        (_whole_model, r"torch\.save\(model\.state_dict\(\)"),
        (_numbers, "is no state dict"),
        (_infinite, r"not all finite numbers \(linear\.bias\)"),
        (_two_of_a_token, "different tokens"),
        (_no_tokens, "no list of tokens"),
        (_damaged, "is damaged"),
    ],
)
def test_a_file_that_is_no_state_dict_is_refused_in_a_sentence(write, sentence, tmp_path):
    write(tmp_path / "weights.pt")
    with pytest.raises(EtudeError, match=sentence):
        read_initial(tmp_path / "weights.pt")


def test_a_plain_safetensors_file_is_read_and_a_damaged_one_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(
        {f"model.{name}": each for name, each in network_of("lstm").state_dict().items()}, path
    )
    given = read_initial(path)
    assert given.vocabulary is None
    assert matched(network_of("lstm", seed=3), given, "lstm", VOCABULARY).random == []
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(EtudeError, match="no safetensors file"):
        read_initial(path)


def test_frozen_weights_stay_and_the_others_learn():
    network = network_of("lstm")
    freeze(network, ["embedding", "upper.0.weight_ih_l0"])
    before = {name: each.clone() for name, each in network.state_dict().items()}
    optimizer = torch.optim.Adam(network.parameters(), weight_decay=0.1)
    network(ids(2, 9))[0].square().mean().backward()
    optimizer.step()
    stayed = {name for name, each in network.state_dict().items() if torch.equal(each, before[name])}
    assert stayed == {"embedding.weight", "upper.0.weight_ih_l0"}


def test_freezing_names_the_layers_and_leaves_something_to_train():
    with pytest.raises(
        EtudeError, match=r"did you mean embedding\?; its layers are embedding, lstm, upper, linear"
    ):
        freeze(network_of("lstm"), ["embeding"])
    with pytest.raises(EtudeError, match="nothing to train"):
        freeze(network_of("lstm"), ["embedding", "lstm", "upper", "linear"])
