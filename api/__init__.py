"""Train a Keras image classifier, shrink it, ship it, and prove that it still gives the same answers."""
