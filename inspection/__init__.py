"""Reads .tflite and .onnx files without TensorFlow, and says what is inside: tensors, operators, weights, MACs."""

from .graph_types import Graph as Graph
from .graph_types import Operator as Operator
from .reader import read_graph as read_graph
