"""Keras to TFLite: convert, finish, metadata."""
