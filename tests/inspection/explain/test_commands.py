import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from edgeproof.inspection.explain.commands import Commands
from edgeproof.runtime.bundle.manifest import NO_AVX2, TrainingData
from edgeproof.runtime.bundle.reader import read_manifest


def test_commands_say_what_the_model_needs(golden: Path) -> None:
    manifest = read_manifest(golden)
    reference = replace(manifest.reference, input_range=(-1.0, 1.0), output="logits")
    data = TrainingData(name="my photos", sha256="0" * 64, test_share=None, split_seed=0)
    changed = replace(
        manifest,
        reference=reference,
        data=data,
        variants=tuple(replace(one, cpus=NO_AVX2) for one in manifest.variants),
        calibration=replace(manifest.calibration, images=800),
    )
    commands = Commands.for_bundle(Path("my bundle"), changed, "a model.keras")
    assert shlex.split(commands.within_budget()) == [
        *("edgeproof", "export", "a model.keras", "--data", "my photos"),
        *("--input-range", "-1", "1", "--softmax", "--onnx-int8-for", "vnni", "--calibration-images", "800"),
        *("--max-drop-points", "0.5", "--out", "my bundle-2"),
    ]
    assert commands.more_calibration().count("--calibration-images") == 1


@pytest.mark.parametrize(
    ("output", "options"),
    [("probabilities", ""), ("probability", ""), ("logit", "--softmax "), ("sigmoids", "--normalize-outputs ")],
)
def test_commands_say_what_the_model_gives(golden: Path, output: str, options: str) -> None:
    manifest = read_manifest(golden)
    changed = replace(manifest, data=None, reference=replace(manifest.reference, output=output))
    command = Commands.for_bundle(Path("bundle"), changed, "model.keras").more_calibration()
    assert command.startswith(f"edgeproof export model.keras --data DATA {options}--calibration-images")


def test_what_is_not_known_is_left_to_the_user(golden: Path) -> None:
    manifest = replace(read_manifest(golden), data=None)
    commands = Commands.for_bundle(Path("bundle"), manifest, "model.keras")
    assert commands.within_budget() == "edgeproof export model.keras --data DATA --max-drop-points 0.5 --out bundle-2"
    assert Commands.for_bundle(Path("bundle"), manifest, "model.keras", "mnist").data == "mnist"
    assert Commands.for_bundle(Path(), manifest, "model.keras").out == f"{Path().resolve()}-2"


@pytest.mark.parametrize(
    ("recipe", "recipes"),
    [("mixed", "float32,mixed"), ("weight-only.onnx", "float32.onnx,weight-only.onnx")],
)
def test_a_new_bundle_has_the_float32_file_and_does_not_replace_the_old_one(
    golden: Path, recipe: str, recipes: str
) -> None:
    commands = Commands.for_bundle(Path("bundle"), replace(read_manifest(golden), data=None), "model.keras")
    told = f"edgeproof export model.keras --data DATA --recipes {recipes} --out bundle-2"
    assert commands.only(recipe) == told
    assert Commands().only(recipe) == f"edgeproof export model.keras --data DATA --recipes {recipe}"


def test_few_images_are_fewer_than_an_export_takes_by_itself() -> None:
    assert Commands(calibration_images=499).has_few_images
    assert not Commands().has_few_images


def test_more_calibration_is_four_times_as_much() -> None:
    assert Commands(calibration_images=1000).more_calibration().endswith("--calibration-images 4000")
    assert Commands(calibration_images=20).more_calibration().endswith("--calibration-images 2000")
