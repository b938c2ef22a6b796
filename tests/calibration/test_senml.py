"""SenML packs: examples of RFC 8428, and what breaks the standard."""

from __future__ import annotations

import pytest

from calibration.live.fields import Reason, Unreadable
from calibration.live.senml import is_pack, resolve

NOW = 1_770_000_000.0


def test_base_values_are_added_and_base_names_put_before() -> None:
    # RFC 8428, section 5.1.3: the second example, and the result it prints
    pack = [
        {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e09, "bu": "A", "bver": 5,
         "n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "t": -4, "v": 1.3},
    ]  # fmt: skip
    found = resolve(pack, NOW)
    assert [r.name.rpartition(":")[2] for r in found] == ["voltage", "current", "current"]
    assert [r.unit for r in found] == ["V", "A", "A"]
    assert [r.time for r in found] == pytest.approx(
        [1276020076.001, 1276020071.001, 1276020072.001], abs=1e-6
    )
    assert [r.value for r in found] == [120.1, 1.2, 1.3]


def test_a_base_value_counts_from_the_record_that_gives_it() -> None:
    pack = [{"n": "a", "v": 1.0}, {"bv": 20.0, "n": "a", "v": 1.0}, {"n": "a", "v": 2.5}]
    assert [r.value for r in resolve(pack, NOW)] == [1.0, 21.0, 22.5]


@pytest.mark.parametrize(("given", "time"), [(0, NOW), (-60, NOW - 60), (NOW - 5, NOW - 5)])
def test_times_below_two_to_the_28_count_from_now(given: float, time: float) -> None:
    assert resolve([{"n": "a", "v": 1, "t": given}], NOW)[0].time == time


def test_texts_and_truths_are_values_too() -> None:
    found = resolve([{"bn": "door/", "n": "open", "vb": True}, {"n": "mode", "vs": "auto"}], NOW)
    assert [(r.name, r.value) for r in found] == [("door/open", True), ("door/mode", "auto")]


@pytest.mark.parametrize(
    "pack",
    [
        [{"v": 1}],
        [{"n": "a"}],
        [{"n": "a", "v": 1, "vs": "x"}],
        [{"n": "a", "v": 1, "bver": 11}],
        [{"n": "a", "v": 1, "secret_": 1}],
        [{"n": "a", "v": True}],
        [{"n": "a", "v": 10**400}],
        [{"n": "a", "v": "1"}],
        [{"n": "a" * 300, "v": 1}],
        [{"n": "a", "vb": 1}],
        [{"bn": 5, "n": "a", "v": 1}],
    ],
)
def test_a_pack_that_breaks_the_standard_is_refused_whole(pack: list[dict[str, object]]) -> None:
    with pytest.raises(Unreadable) as refused:
        resolve([{"n": "good", "v": 1}, *pack], NOW)
    assert refused.value.reason in (Reason.SENML, Reason.WRONG_VALUE)
    assert refused.value.detail


def test_canonical_events_are_no_pack() -> None:
    assert is_pack([{"n": "a", "v": 1}])
    assert not is_pack([{"kind": "count", "n": "a"}])
    assert not is_pack({"n": "a", "v": 1})
    assert not is_pack([])
