"""Layouts of arrays as people save them: those without loss are read, for others a line of NumPy is said."""
