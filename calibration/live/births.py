"""What is known of Sparkplug edge nodes: aliases, living devices, and the next running number."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from calibration.live.fields import Reason, Unreadable
from calibration.live.sparkplug import SEQUENCE, Metric, Payload

MAX_EDGES = 10_000
BIRTH_NUMBER = "bdSeq"
"""Metric by which a death names the birth it ends."""


class Births:
    """Edge nodes by ``group/edge``, kept in a file so that a restart still knows the aliases.

    Parameters
    ----------
    file
        Where births are kept (JSON), written anew at each birth and death; none: in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._edges: dict[str, dict[str, Any]] = {}
        self._next: dict[str, int] = {}
        if file is not None and file.exists():
            self._edges = json.loads(file.read_text(encoding="utf-8"))

    def lost(self, edge: str, message: str, payload: Payload) -> int:
        """Return how many messages of an edge node are missing before this one.

        Deaths carry no running number. A number from behind is one that came late or again.
        """
        if payload.seq is None or message == "NDEATH":
            return 0
        gap = 0
        if edge in self._next and message != "NBIRTH":
            gap = (payload.seq - self._next[edge]) % SEQUENCE
            if gap >= SEQUENCE // 2:
                return 0
        self._next[edge] = (payload.seq + 1) % SEQUENCE
        return gap

    def born(self, edge: str, device: str, payload: Payload, time: int) -> None:
        """Note the birth of an edge node (no device) or of one of its devices."""
        if device == "":
            if edge not in self._edges and len(self._edges) >= MAX_EDGES:
                raise Unreadable(Reason.SPARKPLUG, f"more than {MAX_EDGES:,} edge nodes")
            number = birth_number(payload)
            self._edges[edge] = {"born": time, "number": number, "devices": {}, "names": {}}
        known = self._edges.setdefault(
            edge, {"born": time, "number": None, "devices": {}, "names": {}}
        )
        if device:
            known["devices"][device] = True
        names = {str(m.alias): m.name for m in payload.metrics if m.alias is not None and m.name}
        known["names"].update(names)
        self._keep()

    def died(self, edge: str, device: str, payload: Payload) -> list[tuple[str, int | None]]:
        """Note a death; return the devices it ends, each with when its edge node was born.

        The edge node itself is the device ``""``; it takes its devices along. A death that names
        an earlier birth than the last one ends nothing: it came late.
        """
        known = self._edges.get(edge, {"born": None, "number": None, "devices": {}})
        if device:
            known["devices"].pop(device, None)
            ended = [device]
        else:
            number = birth_number(payload)
            if None not in (number, known["number"]) and number != known["number"]:
                return []
            ended = ["", *known["devices"]]
            known["devices"] = {}
        self._keep()
        return [(name, known["born"]) for name in ended]

    def name(self, edge: str, metric: Metric) -> str:
        """Return the name of a metric that may be sent by its alias alone."""
        if metric.name:
            return metric.name
        names = self._edges.get(edge, {}).get("names", {})
        found = names.get(str(metric.alias))
        if found is None:
            detail = f"alias {metric.alias} of '{edge}' is in no birth; let the edge node be reborn"
            raise Unreadable(Reason.UNKNOWN_ALIAS, detail)
        return str(found)

    def _keep(self) -> None:
        if self._file is None:
            return
        part = self._file.with_name(self._file.name + ".part")
        part.write_text(json.dumps(self._edges), encoding="utf-8")
        os.replace(part, self._file)


def birth_number(payload: Payload) -> float | None:
    """Return the number of a birth, which its death repeats; nothing where it is not given."""
    for metric in payload.metrics:
        if metric.name == BIRTH_NUMBER and isinstance(metric.value, float):
            return metric.value
    return None
