"""One module per verb of the `edgeproof` command."""
