"""Sparkplug B: payloads made by another implementation, hostile bytes, births and lost messages."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from calibration.live.births import Births
from calibration.live.fields import Reason, Unreadable
from calibration.live.sparkplug import Metric, Payload, decode

# Serialised by the protobuf library (7.36.2, not a dependency) from the specification's message
# definition: timestamp 1770000000000, seq 1, the metrics of the test below, uuid and body.
GOLDEN = bytes.fromhex(
    "0880c8e2e1c133121f0a09636f756e742f74656110011885c8e2e1c133200a690000000000c04440121c0a117365"
    "6e73652f74656d70657261747572651002200965000050c012110a0573686966741003200350f9ffffff0f120e0a"
    "0474696e79200150feffffff0f12130a046465657020045880ccbbbcdeffffffff0112120a036269672008588080"
    "8080808080808001120a0a04646f6f72200b700112120a056c6162656c200c7a074772c3b6c39f65120a0a04676f"
    "6e65200a3801120d0a04626c6f622011820102010218012203752d312a0200ff"
)


def test_payload_of_another_implementation_is_read_to_the_last_bit() -> None:
    found = decode(GOLDEN)
    assert (found.timestamp, found.seq) == (1_770_000_000_000, 1)
    assert found.metrics[0] == Metric("count/tea", 1, 1_770_000_000_005, 10, 41.5)
    assert {m.name: m.value for m in found.metrics[1:]} == {
        "sense/temperature": -3.25, "shift": -7, "tiny": -2, "deep": -9e9, "big": 2.0**63,
        "door": True, "label": "Größe", "gone": None, "blob": None,
    }  # fmt: skip


def test_every_cut_off_payload_is_refused_or_read_in_part() -> None:
    whole = decode(GOLDEN)
    refused = 0
    for end in range(len(GOLDEN)):
        try:
            found = decode(GOLDEN[:end])
        except Unreadable as error:
            refused += error.reason == Reason.SPARKPLUG
        else:
            assert found.metrics == whole.metrics[: len(found.metrics)]
    assert refused > 0.9 * len(GOLDEN)


def test_hostile_bytes_never_raise_anything_else() -> None:
    rng, refused = random.Random(1), 0
    for _ in range(3000):
        data = bytearray(GOLDEN)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            decode(bytes(data) if rng.random() < 0.7 else rng.randbytes(rng.randrange(200)))
        except Unreadable:
            refused += 1
    assert 1000 < refused < 3000


@pytest.mark.parametrize(
    "data",
    [
        b"\x12\xff\xff\xff\xff\x0f",  # a metric of 4 GiB is announced
        b"\x08" + b"\xff" * 11,  # a number without end
        b"\x0b\x00",  # a group
        b"\x18\x80\x02",  # seq 256
        b"\x12\x05\x0a\x03\xff\xfe\xfd",  # a name that is not UTF-8
        b"\x12\x02\x60\x01",  # a float sent as a number
        b"\x12\x00" * 5001,
        b"\x22" + b"\x80" * 4,
        b"\x00" * 300_000,
    ],
)
def test_impossible_payloads_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        decode(data)
    assert refused.value.reason in (Reason.SPARKPLUG, Reason.TOO_LARGE, Reason.WRONG_VALUE)


def test_gaps_in_the_running_number_are_lost_messages() -> None:
    births = Births()
    sent = [("NBIRTH", 0), ("DBIRTH", 1), ("DDATA", 2), ("DDATA", 5), ("DDATA", 6), ("DDEATH", 8)]
    lost = [births.lost("g/e", kind, Payload(1, seq, [])) for kind, seq in sent]
    assert lost == [0, 0, 0, 2, 0, 1]


def test_running_number_goes_round_after_255() -> None:
    births = Births()
    assert births.lost("g/e", "NDATA", Payload(1, 254, [])) == 0
    assert births.lost("g/e", "NDATA", Payload(1, 255, [])) == 0
    assert births.lost("g/e", "NDATA", Payload(1, 1, [])) == 1


def test_a_message_that_comes_again_is_no_loss() -> None:
    births = Births()
    numbers = [3, 4, 5, 4, 5, 6]
    assert [births.lost("g/e", "NDATA", Payload(1, s, [])) for s in numbers] == [0] * 6


def test_a_birth_starts_the_count_anew() -> None:
    births = Births()
    births.lost("g/e", "NDATA", Payload(1, 9, []))
    assert births.lost("g/e", "NBIRTH", Payload(1, 0, [])) == 0
    assert births.lost("g/e", "NDATA", Payload(1, 2, [])) == 1


def test_aliases_survive_a_restart_and_a_rebirth_renames_them(tmp_path: Path) -> None:
    file = tmp_path / "births.json"
    Births(file).born("g/e", "", Payload(1, 0, [Metric("count/tea", 7)]), 1)
    again = Births(file)
    assert again.name("g/e", Metric("", 7)) == "count/tea"
    again.born("g/e", "", Payload(2, 0, [Metric("count/rice", 7)]), 2)
    assert again.name("g/e", Metric("", 7)) == "count/rice"
    with pytest.raises(Unreadable, match="unknown alias"):
        again.name("g/other", Metric("", 7))


def test_death_takes_the_devices_along_unless_it_is_of_an_earlier_birth() -> None:
    births = Births()
    births.born("g/e", "", Payload(1, 0, [Metric("bdSeq", value=4.0)]), 10)
    births.born("g/e", "scale", Payload(1, 1, []), 11)
    assert births.died("g/e", "", Payload(None, None, [Metric("bdSeq", value=3.0)])) == []
    found = births.died("g/e", "", Payload(None, None, [Metric("bdSeq", value=4.0)]))
    assert found == [("", 10), ("scale", 10)]
