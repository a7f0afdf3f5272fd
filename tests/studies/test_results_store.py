"""The committed results are those of today's presets, and of the models in the repository."""

import json
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.pretrained import find_pretrained

from studies.ablations import run as ablations
from studies.frontier import run as frontier
from studies.frontier.results import read_rows

RESULTS = Path(__file__).parents[2] / "studies" / "results"
TINY = (
    "no augmentation",
    "augmentation 1",
    "augmentation 1.5",
    "no warm-up",
    "constant learning rate",
    "constant learning rate of 0.001",
    "no weight decay",
)
MODELS = {
    "tiny": find_pretrained("mnist-tiny"),
    "default": find_pretrained("mnist"),
    "accurate": RESULTS / "mnist-accurate",
}


@pytest.mark.parametrize("preset", MODELS)
def test_a_kept_model_is_its_presets_first_seed(preset: str) -> None:
    (variant,) = read_manifest(MODELS[preset]).variants
    (row,) = (row for row in read_rows(RESULTS / "frontier.json") if (row.preset, row.seed) == (preset, 1))
    assert (variant.sha256, variant.size_bytes) == (row.sha256, row.file_bytes)


def test_the_page_on_training_says_what_corruptions_cost_the_kept_models() -> None:
    found = {file["sha256"]: file for file in json.loads((RESULTS / "robustness.json").read_text())["files"]}
    page = (RESULTS.parents[1] / "docs" / "training.md").read_text(encoding="utf-8")
    for preset, folder in MODELS.items():
        (variant,) = read_manifest(folder).variants
        file = found[variant.sha256]
        (line,) = (line for line in page.splitlines() if line.startswith(f"| `{preset}` | 99"))
        clean, mean, difference = file["conditions"][0]["accuracy"], file["mean_accuracy"], file["mean_difference"]
        assert f"| {100 * clean['value']:.2f} % | {100 * mean['value']:.2f} % |" in line
        figures = [float(number.replace("−", "-")) for number in re.findall(r"[−+]?\d+\.\d+", line)[2:]]
        assert figures == [round(difference[key], 2) + 0.0 for key in ("points", "low", "high")]


def _varied(*names: str) -> list[str]:
    return [word for name in names for word in ("--variation", name)]


@pytest.mark.parametrize(
    ("results", "benchmark", "maker", "options"),
    [
        ("frontier", frontier, "make_row", []),
        ("ablations-default-8", ablations, "train_variation", []),
        ("ablations-default-8", ablations, "train_variation", ["--seeds", "5", *_varied(ablations.WITH_TEACHER)]),
        (
            "ablations-default-30",
            ablations,
            "train_variation",
            ["--epochs", "30", *_varied("no augmentation", "no warm-up", ablations.WITH_TEACHER)],
        ),
        (
            "ablations-tiny-8",
            ablations,
            "train_variation",
            ["--preset", "tiny", *_varied(*TINY)],
        ),
        (
            "ablations-tiny-100",
            ablations,
            "train_variation",
            ["--preset", "tiny", "--epochs", "100", *_varied("no augmentation", "augmentation 1")],
        ),
    ],
)
def test_results_need_not_be_made_again(
    results: str,
    benchmark: ModuleType,
    maker: str,
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Presets, recipes and commands are those that the results come from; so is what is written of them."""
    kept = tmp_path / f"{results}.json"
    shutil.copy(RESULTS / kept.name, kept)

    def make(*_: object, **__: object) -> None:
        pytest.fail("something would be trained anew")

    monkeypatch.setattr(benchmark, maker, make)
    assert benchmark.main([*options, "--runs", str(tmp_path / "none"), "--results", str(tmp_path)]) == 0
    assert kept.with_suffix(".md").read_bytes() == (RESULTS / f"{results}.md").read_bytes()
