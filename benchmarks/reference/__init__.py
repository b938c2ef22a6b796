"""What the twin is measured against: the same rules, written or run by something else."""
