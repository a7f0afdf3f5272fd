"""Figures of accuracy, calibration and latency, with their intervals. NumPy only at import."""
