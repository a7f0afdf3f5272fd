"""Repairs of what tf2onnx 1.17 gets wrong with the models of Keras 3."""

from typing import Any

import numpy as np
import onnx
import tensorflow as tf

from ...inspection.onnx_bodies import graphs_in


def _write_erfc(ctx: Any, node: Any, name: str, args: Any) -> None:  # noqa: ANN401
    """Write TensorFlow's Erfc, part of exact GELU, as 1 - Erf: ONNX has no Erfc, tf2onnx writes it all the same."""
    erf = ctx.make_node("Erf", node.input, name=f"{name}/Erf", shapes=node.output_shapes, dtypes=node.output_dtypes)
    one = ctx.make_const(f"{name}__one", np.array(1, np.float32))
    shapes, dtypes = node.output_shapes, node.output_dtypes
    ctx.remove_node(name)
    ctx.make_node("Sub", [one.output[0], erf.output[0]], name=name, outputs=node.output, shapes=shapes, dtypes=dtypes)


def _write_log1p(ctx: Any, node: Any, name: str, args: Any) -> None:  # noqa: ANN401
    """Write TensorFlow's Log1p as the logarithm of 1 + x: ONNX has no operator for it."""
    _write_with_one(ctx, node, name, ("Add", "Log"))


def _write_expm1(ctx: Any, node: Any, name: str, args: Any) -> None:  # noqa: ANN401
    """Write TensorFlow's Expm1 as the exponential less 1: ONNX has no operator for it."""
    _write_with_one(ctx, node, name, ("Exp", "Sub"))


def _write_with_one(ctx: Any, node: Any, name: str, operators: tuple[str, str]) -> None:  # noqa: ANN401
    """Write an operator as a chain of two, of which Add or Sub takes 1 as its second input."""
    one = ctx.make_const(f"{name}__one", np.array(1, np.float32)).output[0]
    shapes, dtypes = node.output_shapes, node.output_dtypes
    extra = [[one] if operator in ("Add", "Sub") else [] for operator in operators]
    first = ctx.make_node(operators[0], [node.input[0], *extra[0]], shapes=shapes, dtypes=dtypes)
    ctx.remove_node(name)
    inputs = [first.output[0], *extra[1]]
    ctx.make_node(operators[1], inputs, name=name, outputs=node.output, shapes=shapes, dtypes=dtypes)


def store_constants(graph: onnx.GraphProto, function: Any) -> None:  # noqa: ANN401
    """Turn inputs that are constants of the model into initializers.

    TensorFlow passes a layer's plain tensors to the function like inputs, such as a loaded Normalization's mean.
    """
    held = {inner.name: outer for outer, inner in function.graph.captures if inner.dtype != tf.resource}
    for value in [value for value in graph.input if value.name in held]:
        graph.initializer.append(onnx.numpy_helper.from_array(held[value.name].numpy(), value.name))
        graph.input.remove(value)


def check_operators(graph: onnx.GraphProto) -> None:
    """Refuse operators that ONNX does not have: tf2onnx writes what it does not know under TensorFlow's name."""
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    foreign = [node for inner in graphs_in(graph) for node in inner.node if node.op_type not in known]
    for node in foreign:
        # Worded as by TFLite's converter, for `describe_conversion_error`.
        raise ValueError(f"\"{node.name}/\" 'tf.{node.op_type}' op is neither a custom op nor a flex op")


HANDLERS = {"Erfc": (_write_erfc, []), "Expm1": (_write_expm1, []), "Log1p": (_write_log1p, [])}
