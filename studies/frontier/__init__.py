"""Accuracy for the size: the presets over several seeds, among published results."""
