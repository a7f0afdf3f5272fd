"""What a bundle and its model files say of themselves, read as untrusted input."""
