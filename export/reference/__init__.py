"""The Keras model that is exported: loaded safely, and wrapped to take pixels."""
