"""Accuracy under the corruptions of MNIST-C."""
