import shlex
from dataclasses import replace
from pathlib import Path

from edgeproof.inspection.explain.commands import Commands
from edgeproof.runtime.bundle.manifest import TrainingData
from edgeproof.runtime.bundle.reader import read_manifest


def test_commands_say_what_the_model_needs(golden: Path) -> None:
    manifest = read_manifest(golden)
    reference = replace(manifest.reference, input_range=(-1.0, 1.0), output="logits")
    data = TrainingData(name="my photos", sha256="0" * 64, test_share=None, split_seed=0)
    commands = Commands.for_bundle(replace(manifest, reference=reference, data=data), "a model.keras")
    assert shlex.split(commands.within_budget()) == [
        *("edgeproof", "export", "a model.keras", "--data", "my photos"),
        *("--input-range", "-1", "1", "--softmax", "--max-drop-points", "0.5"),
    ]


def test_what_is_not_known_is_left_to_the_user(golden: Path) -> None:
    manifest = replace(read_manifest(golden), data=None)
    commands = Commands.for_bundle(manifest, "model.keras")
    assert commands.export("--recipes", "mixed") == "edgeproof export model.keras --data DATA --recipes mixed"
    assert Commands.for_bundle(manifest, "model.keras", "mnist").data == "mnist"


def test_more_calibration_is_four_times_as_much() -> None:
    assert Commands(calibration_images=1000).more_calibration().endswith("--calibration-images 4000")
    assert Commands(calibration_images=20).more_calibration().endswith("--calibration-images 2000")
