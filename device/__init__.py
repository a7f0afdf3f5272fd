"""What a machine is, which engines work on it, and whether they give the right answers."""
