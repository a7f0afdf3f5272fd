"""Benchmark every variant of a bundle beside the Keras reference: accuracy, size, latency and memory."""
