"""Reports of benchmarks: figures, verdicts, pages, budgets. Reads and writes them; measures nothing."""
