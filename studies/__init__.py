"""The repository's own studies. They are not in the wheel; they import the installed edgeproof."""
