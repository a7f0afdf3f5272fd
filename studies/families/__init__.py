"""Known architectures in every recipe: how close the exported files stay to Keras, and how large they are."""
