"""Tracing of a Keras model by the converters: names of layers, and repairs."""
