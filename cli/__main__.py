"""`python -m edgeproof.cli` for machines without the script on their path."""

from ..__main__ import start

start()
