"""Images held out from a training, known by their digests wherever the data goes."""
