"""The Mesa face of the twin: one agent per site and per device, as thin windows on rows."""
