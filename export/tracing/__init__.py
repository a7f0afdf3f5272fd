"""What the converters trace: the user's model with the same answers, in operators that every format and recipe has."""
