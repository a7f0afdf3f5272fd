"""Find the digit in a drawing, scan or photograph, and lay it out as MNIST does; NumPy only."""
