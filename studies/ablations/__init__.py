"""Ablations of the training recipe: the worth of each part, over several seeds."""
