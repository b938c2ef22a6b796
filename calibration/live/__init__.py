"""Live telemetry: what devices publish to an MQTT broker goes into the store, and back out."""
