"""The repository's own studies. They are not in the wheel and import the installed edgeproof."""
