"""Bundles and the metadata of model files, read as untrusted input."""
