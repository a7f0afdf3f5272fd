"""Augmentation: random changes of training images, in the input pipeline."""
