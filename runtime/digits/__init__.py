"""Finds the digit in a drawing, a scan or a photograph and lays it out as MNIST does; NumPy only."""
