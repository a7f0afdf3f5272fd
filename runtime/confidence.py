"""How probabilities become ones that can be taken at their word."""

# Beyond these a fitted temperature says that something else is wrong.
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
