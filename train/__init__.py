"""Builds and fits the Keras model."""
