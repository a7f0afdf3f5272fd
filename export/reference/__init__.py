"""The Keras model that is exported: read safely, and wrapped for serving."""
