"""The endpoint of the listener: what it shows, and to whom."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from calibration.live.health import MAX_DEVICES, Health, serve


@pytest.fixture
def shown() -> Iterator[tuple[Health, int]]:
    health = Health()
    server = serve(health, 0)
    yield health, server.server_port
    server.shutdown()
    server.server_close()


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    asked.request("GET", path, headers=headers)
    answer = asked.getresponse()
    found = answer.status, answer.read().decode()
    asked.close()
    return found


def test_healthz_is_unavailable_until_connected(shown: tuple[Health, int]) -> None:
    health, port = shown
    assert get(port, "/healthz")[0] == 503
    health.connected, health.stored = True, 7
    status, text = get(port, "/healthz")
    assert status == 200
    assert json.loads(text)["stored"] == 7


def test_metrics_count_by_reason_and_escape_what_devices_named(shown: tuple[Health, int]) -> None:
    health, port = shown
    health.rejected["not JSON"] += 3
    health.reason_codes["CONNACK", "Success"] += 1
    health.lost['plant "1"\\\n/edge'] += 2
    health.heard("dc", "scale", 0)
    lines = get(port, "/metrics")[1].splitlines()
    assert 'twin_rejected_total{reason="not JSON"} 3' in lines
    assert 'twin_reason_codes_total{packet="CONNACK",code="Success"} 1' in lines
    assert 'twin_messages_lost_total{edge="plant \\"1\\"\\\\\\n/edge"} 2' in lines
    assert any(x.startswith('twin_device_silent_seconds{site="dc",device="scale"}') for x in lines)


def test_mode_is_replay_while_what_comes_was_recorded(shown: tuple[Health, int]) -> None:
    health, port = shown
    assert 'twin_mode{mode="shadow"} 1' in get(port, "/metrics")[1]
    health.replayed = True
    text = get(port, "/metrics")[1]
    assert 'twin_mode{mode="replay"} 1' in text
    assert 'twin_mode{mode="shadow"} 0' in text


def test_other_pages_and_foreign_hosts_get_nothing(shown: tuple[Health, int]) -> None:
    port = shown[1]
    assert get(port, "/etc/passwd")[0] == 404
    assert get(port, "/metrics", Host="evil.example")[0] == 403
    assert get(port, "/metrics", Host=f"localhost:{port}")[0] == 200


def test_made_up_devices_cannot_fill_the_memory() -> None:
    health = Health()
    for n in range(MAX_DEVICES + 50):
        health.heard("dc", str(n), n)
    assert len(health.seen) == MAX_DEVICES
    health.heard("dc", "0", 5)
    assert health.seen["dc", "0"] == 5
