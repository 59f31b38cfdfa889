"""Types of the JSON files in a run folder, checked when a file is read."""

from __future__ import annotations

from typing import Any, TypedDict


class StatusFile(TypedDict, total=False):
    """status.json of a run or a job."""

    state: str
    attempt: int
    host: str
    boot: str
    pid: int
    started: str
    steps: int  # of the whole training, unless it is stopped early
    heartbeat: str
    time: str
    error: str
    seconds: float  # from here on: of a sweep's job alone
    trace: str
    result: Any


class ManifestFile(TypedDict, total=False):
    """manifest.json."""

    format: int
    signature: str
    command: list[str]
    started: str
    seed: int
    warnings: list[str]
    git: dict[str, str | None]
    own_git: dict[str, dict[str, str | None]]
    code: dict[str, str]
    python: str
    packages: dict[str, str | None]
    machine: dict[str, Any]
    corpus: dict[str, Any]
    attempts: list[dict[str, Any]]


class OnsetMetrics(TypedDict, total=False):
    """Test metrics of the onsets alone."""

    nats: float
    accuracy: float


class TestMetrics(TypedDict, total=False):
    """Test metrics."""

    nats: float
    bits: float
    accuracy: float
    onsets: OnsetMetrics | None


class PartMetrics(TypedDict, total=False):
    """Metrics of a part of the test set."""

    pieces: int
    nats: float
    accuracy: float
    onsets: OnsetMetrics | None


class ValidationMetrics(TypedDict, total=False):
    """Validation metrics of the best epoch."""

    nats: float
    accuracy: float
    epochs: int
    best_epoch: int


class ResultsFile(TypedDict, total=False):
    """results.json."""

    model: str
    folder: str
    test: TestMetrics
    parts: dict[str, PartMetrics]
    validation: ValidationMetrics
    split_overlap: float
    baselines: Any
    sampling: dict[str, Any]
    minutes: float
    files: list[str]


class Interval(TypedDict):
    """A value with the ends of its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None


class LikelihoodRow(TypedDict):
    """The model or a baseline; bits, notes and seconds as far as they are known."""

    name: str
    chosen: bool
    nats: Interval | None
    bits: Interval | None
    perplexity: Interval | None
    accuracy: Interval | None
    note_nats: Interval | None
    note_accuracy: Interval | None
    bits_per_note: Interval | None
    bits_per_second: Interval | None
    bits_per_character: Interval | None


class LikelihoodSection(TypedDict):
    """Likelihood in evaluation.json."""

    labels: int
    pieces: int
    left_out: int
    notes: int | None
    rows: list[LikelihoodRow]
    calibration: dict[str, Any]
    by_piece_position: list[dict[str, Any]]


class Histogram(TypedDict):
    """How often each bin of a feature occurs."""

    samples: list[float]
    held_out: list[float]


class FeatureRow(TypedDict):
    """A musical feature of samples and of held-out pieces."""

    name: str
    samples: Interval | None
    held_out: Interval | None
    overlap: Interval | None
    overlap_training: Interval | None
    histogram: Histogram


class MusicSection(TypedDict):
    """Musical statistics in evaluation.json."""

    samples: int
    held_out: int
    features: list[FeatureRow]


class CopiesSummary(TypedDict):
    """How much of a set of pieces stands in training pieces."""

    pieces: int
    median_run: float
    longest_run: int
    known_ngrams: float


class NoveltySection(TypedDict):
    """Copies in evaluation.json."""

    ngram: int
    training_pieces: int
    samples: CopiesSummary
    held_out: CopiesSummary | None
    rows: list[dict[str, Any]]


class EvaluatedCorpus(TypedDict):
    """The held-out pieces of an evaluation, and the corpus of the training."""

    name: str
    fingerprint: str
    set: str
    split: str
    trained_on: str


class EvaluationSampling(TypedDict):
    """How the samples of an evaluation were generated."""

    settings: dict[str, Any]
    generated: int


class SampleSections(TypedDict, total=False):
    """Sections of evaluation.json that need samples."""

    sampling: EvaluationSampling
    music: MusicSection | None
    validity: dict[str, float] | None
    novelty: NoveltySection | None


class EvaluationFile(SampleSections):
    """evaluation.json."""

    model: str
    checkpoint: str
    corpus: EvaluatedCorpus
    likelihood: LikelihoodSection


FILES: dict[str, Any] = {
    "status.json": StatusFile,
    "manifest.json": ManifestFile,
    "results.json": ResultsFile,
    "evaluation.json": EvaluationFile,
}
