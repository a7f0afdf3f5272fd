"""Engines that are not part of edgeproof, measured beside its own."""
