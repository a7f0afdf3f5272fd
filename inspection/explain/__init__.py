"""Explain a bundle: which layers lose accuracy or time in its files, why, and what to do."""
