"""Files as untrusted input, and atomic output."""
