# The package ships no types, and those that a checker infers from its sources are wrong: verbose=0 would be
# refused, and what load_model returns could be None.
from typing import Any

def __getattr__(name: str) -> Any: ...
