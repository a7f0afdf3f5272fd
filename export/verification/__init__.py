"""Verification of exported files against the Keras reference: engines, tolerances, temperature."""
