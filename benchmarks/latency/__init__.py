"""Latency in interleaved repetitions, long runs, and the raw samples."""
