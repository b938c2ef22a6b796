"""What is said where choices of a ready-made study come to the same."""

from __future__ import annotations

import pytest

from twin.study.ready.value_of_information import _alone

pytestmark = pytest.mark.nojit


def adopted(*net: float) -> str:
    ends = ("net_low", "net_high")
    return _alone([{"adopts": f"owner {n}", "net": x} | dict.fromkeys(ends, x)
                   for n, x in enumerate(net)], "money")  # fmt: skip


def test_owners_who_bring_the_same_are_not_ranked() -> None:
    assert adopted(2.0, 2.0) == "one owner alone they bring the same whoever it is (2 money)"
    assert adopted(2.0, 1.0).endswith("most at owner 0 (2 money) and least at owner 1 (1 money)")
    assert adopted(2.0) == "owner 0 alone they bring 2 money"
