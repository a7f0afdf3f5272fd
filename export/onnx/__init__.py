"""Keras to ONNX: convert, repair, fuse, finish."""
