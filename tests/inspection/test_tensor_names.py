from edgeproof.inspection.tensor_names import as_layer_name, join_name, layers_of


def test_layers_come_back_in_their_order() -> None:
    name = join_name([("a/conv", "Conv2D"), ("a/relu", "Relu/x"), ("a/conv", "BiasAdd")])
    assert layers_of(name) == ("a/conv", "a/relu")


def test_separators_in_a_layers_own_name_do_not_mislead() -> None:
    odd = as_layer_name("a//b;c//d")
    assert layers_of(join_name([(odd, "Conv2D")])) == (odd,)


def test_other_names_have_no_layer() -> None:
    assert layers_of("probabilities") == layers_of("model/conv/Conv2D;model/relu/Relu") == layers_of("") == ()
