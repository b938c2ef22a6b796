"""The page on live telemetry: its block with TLS and passwords runs, on a real broker."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from calibration.store import Store
from tests.calibration.brokers import free_port

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")


def block(ports: tuple[int, int]) -> str:
    """Return the block, on ports that are free here."""
    found = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert found
    broker, http = ports
    text = found[1].replace("localhost:8883", f"localhost:{broker}").replace("9100", str(http))
    return text.replace("listener 8883#&", f"listener 8883#listener {broker}")


@pytest.mark.broker
def test_the_block_with_tls_and_passwords_takes_every_event_from_device_to_store(tmp_path):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
    script = (
        f"set -e\ntrap 'kill $(jobs -p) 2> /dev/null' EXIT\n{block((free_port(), free_port()))}"
    )
    with (tmp_path / "said").open("w") as out:  # no pipe: nobody waits for who holds it open
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env={**os.environ, "PATH": path},
            stdout=out, stderr=out, timeout=240,
        )  # fmt: skip
    said = (tmp_path / "said").read_text()
    assert done.returncode == 0, said
    assert "published 11,028 of 11,028 events" in said
    assert '"rejected": 0' in said
    shown = re.findall(r"^\| `(twin_\w+[^`]*)` \| (\d+) \|", PAGE, re.MULTILINE)
    metrics = dict(
        line.rsplit(" ", 1)
        for line in (tmp_path / "try" / "metrics").read_text().splitlines()
        if not line.startswith("#")
    )
    assert len(shown) >= 6
    assert [name for name, _ in shown if name not in metrics] == []
    with Store(tmp_path / "try" / "try.db", write=False) as store:
        assert len(store.read()) == 11_028
