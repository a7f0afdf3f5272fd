"""The model as converters trace it: the same answers, in operators that every format and recipe has."""
