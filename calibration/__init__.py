"""The room for the telemetry work (ingest, estimators, back-test, drift); empty so far."""
