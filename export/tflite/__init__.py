"""TFLite files: converted from Keras, tidied, described."""
