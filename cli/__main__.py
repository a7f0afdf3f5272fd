"""`python -m edgeproof.cli` for machines without the script on their path."""

import runpy

runpy.run_module("edgeproof", run_name="__main__", alter_sys=True)
