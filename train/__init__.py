"""Builds and fits the Keras model.

`edgeproof.train.data` needs NumPy only, and Pillow for pictures; `edgeproof.train.run` and `edgeproof.train.presets`
need Keras.
"""
