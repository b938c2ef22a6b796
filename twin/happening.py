"""When the disruptions and moves of a scenario come, before luck is drawn; those that never do."""

from __future__ import annotations

from twin.schema import Disruption, Scenario


def starts(scenario: Scenario) -> list[int]:
    """Return the first period of each disruption, in the order of the scenario.

    What comes after another disruption is counted from its end, wherever that is listed.
    """
    return [
        d.start + sum(b.start + b.duration for b in before)
        for d, before in zip(scenario.disruptions, _before(scenario), strict=True)
    ]


def never(scenario: Scenario) -> list[str]:
    """Return why each disruption can never happen, in words; empty for those that can."""
    found = []
    for d, before, start in zip(
        scenario.disruptions, _before(scenario), starts(scenario), strict=True
    ):
        off = next((b.name for b in before if b.probability == 0), None)
        why = f"it follows '{off}', which is switched off" if off else _late(scenario, start)
        found.append("it is switched off (probability 0)" if d.probability == 0 else why)
    return found


def never_moved(scenario: Scenario) -> list[str]:
    """Return why each move never takes effect, in words; empty for those that do."""
    notice = {f.name: f.notice for f in scenario.families}
    return [_late(scenario, m.at + notice.get(m.family, 0)) for m in scenario.moves]


def remarks(scenario: Scenario) -> list[str]:
    """Return a sentence about each event, not switched off, that never comes, with its place."""
    told = [
        (f"disruptions[{i}] '{d.name or d.kind}'", why)
        for i, (d, why) in enumerate(zip(scenario.disruptions, never(scenario), strict=True))
        if d.probability > 0  # what is switched off was meant to be
    ]
    told += [
        (f"moves[{i}] of '{m.family}'", why)
        for i, (m, why) in enumerate(zip(scenario.moves, never_moved(scenario), strict=True))
    ]
    return [f"{what} never happens: {why}" for what, why in told if why]


def _late(scenario: Scenario, start: int) -> str:
    if start < scenario.horizon:
        return ""
    period = scenario.calendar.period
    return f"it begins in {period} {start}, after the last {period} ({scenario.horizon - 1})"


def _before(scenario: Scenario) -> list[list[Disruption]]:
    """Return for each disruption those that it follows, the nearest first."""
    named: dict[str | None, Disruption] = {d.name: d for d in scenario.disruptions if d.name}
    found = []
    for d in scenario.disruptions:
        chain: list[Disruption] = []
        at = named.get(d.after)
        while at is not None and at not in chain:  # a loop is what the checks refuse
            chain.append(at)
            at = named.get(at.after)
        found.append(chain)
    return found
