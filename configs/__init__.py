"""Scenarios that come with the twin, as YAML (big tables as CSV beside them).

``twin run electronics`` finds them by name. Each file says in its head what is assumed and what
has a source; docs/scenarios.md tells what each is for.
"""
