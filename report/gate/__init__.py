"""Budgets, baselines and the choice of a variant: a report as a gate."""
