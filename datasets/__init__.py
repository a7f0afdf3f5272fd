"""Labelled images: readers, splits, fingerprints. NumPy only at import."""
