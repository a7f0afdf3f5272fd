"""The Keras reference, in a process of its own."""
