import ast
from pathlib import Path

import numpy as np
import pytest

from studies.families import networks
from studies.families.families import FAMILIES, PRESET

SMALL = {
    "residual": 6_000,
    "pre_activation": 10_000,
    "small_mobilenet_v3": 250_000,
    "small_efficientnet": 250_000,
    "small_convnext": 110_000,
    "small_vit": 120_000,
}


def test_every_family_has_its_network() -> None:
    """Also the large ones, which are not built here: each takes some seconds."""
    tree = ast.parse(Path(networks.__file__).read_text(encoding="utf-8"))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert {name for name in functions if not name.startswith("_")} == FAMILIES.keys() - {PRESET}


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_give_probabilities_and_stay_small(name: str) -> None:
    model = getattr(networks, name)((28, 28, 1), 10)
    assert model.count_params() <= SMALL[name]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1)).astype(np.float32)
    np.testing.assert_allclose(np.sum(model(pixels), axis=1), 1, rtol=1e-5)


def test_the_tokens_of_a_vision_transformer_know_their_places() -> None:
    """Without a position embedding, patches in another order give the same answer."""
    model = networks.small_vit((28, 28, 1), 10)
    embedding = next(layer for layer in model.layers if layer.name.startswith("einsum_dense"))
    kernel, bias = embedding.get_weights()
    embedding.set_weights([kernel, np.random.default_rng(1).normal(size=bias.shape)])
    pixels = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 1)).astype(np.float32)
    # Rows of patches, which are 4 pixels high.
    moved = np.concatenate([pixels[:, 4:], pixels[:, :4]], axis=1)
    found, other = np.asarray(model(pixels)), np.asarray(model(moved))
    assert np.abs(found - other).max() > 1e-4
    embedding.set_weights([kernel, np.zeros_like(bias)])
    np.testing.assert_allclose(np.asarray(model(pixels)), np.asarray(model(moved)), atol=1e-5)
