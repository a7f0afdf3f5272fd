"""Images from files and arrays, as the raw pixels that a model takes."""
