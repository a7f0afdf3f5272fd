"""Accuracy against size: the presets over several seeds, among published results."""
