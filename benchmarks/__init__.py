"""Compares every variant of a bundle with the Keras original: accuracy, size and latency, measured side by side."""
