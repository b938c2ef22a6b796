"""What a scenario must obey beyond the types and ranges of its fields; run by twin.check."""
