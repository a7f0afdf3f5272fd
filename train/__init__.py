"""Builds and fits the Keras model.

`edgeproof.train.data` needs NumPy only; `edgeproof.train.fit` and `edgeproof.train.presets` need Keras.
"""
