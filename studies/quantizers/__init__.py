"""int8 files beside those of other quantizers: how close they stay to Keras, how large and how fast they are."""
