"""The naive reference simulator, random networks and the comparisons with other engines."""
