"""The room for telemetry: ingest and store, live, emulation, estimators, inference, back-test, drift."""
