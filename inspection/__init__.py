"""Reads .tflite and .onnx files without TensorFlow, and says what is inside: tensors, operators, weights, MACs."""

from .graph import Graph as Graph
from .graph import Operator as Operator
from .graph import read_graph as read_graph
