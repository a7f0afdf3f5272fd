"""What a benchmark found: figures, verdicts, pages, budgets. Reads and writes reports; measures nothing."""
