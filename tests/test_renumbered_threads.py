"""A network may be renumbered while other threads still work things out of it."""

from __future__ import annotations

from twin.edits import apply
from twin.load import load
from twin.renumbered import renumbered
from twin.topology import build


def test_a_network_of_which_others_work_things_out_meanwhile_can_be_renumbered() -> None:
    scenario = load("beer-game")
    network = build(scenario)

    class Late(str):
        """A name of something worked out, at a look at which another is worked out."""

        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            vars(network)[f"late{len(vars(network))}"] = None
            return str.__eq__(self, other)

    vars(network)[Late("early")] = None
    found = renumbered(apply(scenario, {"seed": 3}), network)
    assert found is not None
    assert found.scenario.seed == 3
