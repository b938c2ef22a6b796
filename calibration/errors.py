"""The errors of this room that a user can cause and mend."""

from __future__ import annotations

from twin.errors import TwinError


class TelemetryError(TwinError):
    """Telemetry cannot be read or stored: says value, place, what is allowed, what to do."""
