"""Exported files against the Keras reference: engines, tolerances, temperature."""
