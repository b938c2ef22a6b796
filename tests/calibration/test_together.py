"""Stock points that nobody reported on, looked at together with their neighbours."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from calibration import calibrate as module
from calibration import emulate
from calibration.calibrate import calibrate
from calibration.infer import sbc
from calibration.infer.abc import learn
from calibration.infer.blind import around, groups
from calibration.infer.joint import Together
from calibration.infer.prior import COVER
from calibration.infer.simulate import PER, reference
from calibration.infer.together import infer_together
from calibration.periods import add_up
from twin.errors import RunError
from twin.load import load_text
from twin.topology import build

CHAIN = """{name: four, horizon: 364, seed: 3, items: [{name: tea}], costs: {capital_rate: 0.2},
 sites: [{name: hub}, {name: mid}, {name: shop}, {name: stall}],
 lanes: [{from: hub, to: mid, lead_time: 3}, {from: mid, to: shop, lead_time: 2}, {from: mid, to: stall, lead_time: 1}],
 purchases: [{site: hub, item: tea, lead_time: 6}],
 stock: [{policy: {kind: base_stock, safety_factor: 1.5}, forecast: {sees: orders, smoothing: 0.15}},
   {where: {site: mid}, policy: {kind: base_stock, safety_factor: 1.0}},
   {where: {site: [shop, stall]}, policy: {kind: base_stock, safety_factor: 0.8}}],
 demand: [{site: shop, item: tea, kind: negative_binomial, mean: 12, variance_to_mean: 3},
   {site: stall, item: tea, kind: poisson, mean: 8}]}"""

BOARDS = """{name: boards, horizon: 300, seed: 5, items: [{name: chip}, {name: board}],
 sites: [{name: chips}, {name: fab}, {name: plant}],
 lanes: [{from: chips, to: fab, lead_time: 4}, {from: fab, to: plant, lead_time: 2}],
 purchases: [{site: chips, item: chip, lead_time: {kind: gamma, mean: 9, cv: 0.3}}],
 production: [{site: fab, item: board, lead_time: 3, yield: 0.9, capacity: 40, inputs: [{item: chip, usage: 2}]}],
 stock: [{where: {role: output}, policy: {kind: base_stock, safety_factor: 1.2},
   forecast: {kind: moving_average, window: 28}}],
 demand: [{site: plant, item: board, kind: negative_binomial, mean: 20, variance_to_mean: 3}]}"""


def together(scenario, *silent, start=None, kinds=()):
    """Return the one group of a chain of whose sites some (or all but some kinds of) events are missing."""
    events = emulate.events(scenario)
    events = events[~events["site"].isin(silent) | events["kind"].isin(kinds)]
    start = scenario if start is None else start
    periods, top = add_up(events, start), build(start)
    (rows,) = groups(periods, top)
    return Together(around(periods, top, rows), periods)


def true_of(problem):
    """Return the values that the group's scenario has, as one row of its prior."""
    row = []
    for h in problem.prior.hidden:
        top = problem.group.top
        settings = top.points[top.row_of[h.name.rpartition(" ")[0]]].settings
        owner, _, key = h.place.rpartition(".")
        known = {"policy": settings.policy, "forecast": settings.forecast}.get(owner, settings)
        cover = {m.problem.name: m.cut.scale.cover for m in problem.group.members}
        row.append(cover[h.name.rpartition(" ")[0]] if h.place == COVER else getattr(known, key))
    return np.array([row, row])


@pytest.fixture(scope="module")
def chain():
    return load_text(CHAIN)


@pytest.mark.parametrize(
    ("text", "silent", "kinds", "names"),
    [(CHAIN, ["mid"], (), "mid/tea hub/tea"),
     (CHAIN, ["mid"], ("count",), "mid/tea hub/tea"),
     (CHAIN, ["hub"], (), "hub/tea"),
     (CHAIN, ["hub", "mid"], (), "mid/tea hub/tea"),
     (BOARDS, ["fab"], (), "fab/board fab/chip chips/chip")],
)  # fmt: skip
def test_a_group_by_itself_does_what_it_did_in_the_chain(text, silent, kinds, names):
    problem = together(load_text(text), *silent, kinds=kinds)
    assert not problem.group.reason
    assert [m.problem.name for m in problem.group.members] == names.split()
    made = problem.simulate(problem.prior, true_of(problem), seed=5)
    seen = problem.edge.observed()
    pairs = [*zip(made.got, seen.got, strict=True), *zip(made.sent, seen.sent, strict=True)]
    pairs += [*zip(made.told, seen.told, strict=True)]
    for one, other in zip(made.edge, seen.edge, strict=True):
        pairs += [(one.order, other.order), (one.on_order, other.on_order), (one.book, other.book)]
    assert len(pairs) >= 1
    for one, other in pairs:  # what was there at first is not known and fades
        np.testing.assert_allclose(one[150:], np.broadcast_to(other, one.shape)[150:], atol=0.5)


def test_with_all_links_observed_everyone_stands_alone(chain):
    periods = add_up(emulate.events(chain), chain)
    assert groups(periods, build(chain)) == []
    quiet = emulate.events(chain)
    quiet = quiet[(quiet["site"] != "mid") | (quiet["kind"] != "order")]
    assert groups(add_up(quiet, chain), build(chain)) == []  # its receipts tell what it ordered


def test_the_joint_posterior_covers_the_truth(chain):
    start = twin.apply(chain, {f"stock[{i}].policy.safety_factor": 2.5 for i in (0, 1)})
    problem = together(chain, "mid", start=start)
    found = infer_together(problem.group, problem.periods, seed=1, simulations=1024)
    truth = {"mid/tea policy.safety_factor": 1.0, "mid/tea forecast.smoothing": 0.15,
             "hub/tea policy.safety_factor": 1.5, "hub/tea forecast.smoothing": 0.15}  # fmt: skip
    rows = {f"{p.name} {row.name}": row for p in found for row in p.identified}
    assert rows.keys() == truth.keys()
    assert sum(rows[k].low <= v <= rows[k].high for k, v in truth.items()) >= 3
    assert max(row.width for row in rows.values()) < 0.4
    assert all(not p.misfits and p.draws and len(p.tenths) == 10 for p in found)
    hub = next(p for p in found if p.name == "hub/tea")
    assert hub.held_out.coverage >= 0.7
    assert hub.held_out.crps < hub.held_out.baseline


@pytest.fixture(scope="module")
def learned(chain):
    """The group of the chain, and what is learned of it from a reference table."""
    problem = together(chain, "mid")
    shares = problem.prior.design(2048, 1, PER)
    table = reference(problem, problem.prior, shares, seed=1)
    return problem, learn(problem.prior, shares, table, seed=1, per=PER)


@pytest.mark.parametrize(("lead", "right"), [(3, True), (4, False)])
def test_ranks_are_uniform_unless_the_lead_time_is_off_by_one(chain, learned, lead, right):
    problem, inference = learned
    other = build(twin.apply(chain, {"lanes[0].lead_time": lead}))
    model = Together(around(problem.periods, other, problem.group.rows), problem.periods)
    true = np.random.default_rng(5).random((200, len(problem.prior.hidden)))
    seen = reference(model, problem.prior, true, seed=9, per=1)
    assert sbc.passes(sbc.ranks(inference, true, seen, seed=1)) == right


def test_what_the_edge_says_nothing_of_keeps_its_prior(chain):
    """Steady customers need no safety stock, so no safety factor of theirs shows."""
    steady = [{"site": s, "item": "tea", "kind": "constant", "mean": 9} for s in ("shop", "stall")]
    problem = together(twin.apply(chain, {"demand": steady}), "mid")
    found = infer_together(problem.group, problem.periods, seed=1, simulations=512)
    mid = next(p for p in found if p.name == "mid/tea")
    factor = next(row for row in mid.identified if row.name == "policy.safety_factor")
    assert not factor.identified
    assert (factor.low, factor.high) == pytest.approx((0.2, 3.8))
    drawn = np.array(mid.draws["policy.safety_factor"])
    assert abs(drawn.mean() - 2.0) < 0.25  # of the whole range, 0 to 4
    assert drawn.std() == pytest.approx(4 / 12**0.5, rel=0.1)


def test_a_calibration_holds_joint_draws_and_goes_on_where_it_stood(chain, tmp_path, monkeypatch):
    events = emulate.events(chain)
    asked = {"seed": 2, "simulations": 256, "kinds": ("base_stock_forecast",)}
    told = []
    found = calibrate(
        events[events["site"] != "mid"], chain, resume_dir=tmp_path, **asked,
        progress=lambda what, n, of, _: told.append((what, n, of)),
    )  # fmt: skip
    points = {p.name: p for p in found.points}
    assert not any(p.reason for p in points.values())
    assert "inferred together with mid/tea, hub/tea" in points["mid/tea"].notes[-1]
    assert told[-1] == ("inferring stock points", 4, 4)
    draws = found.scenario.posterior.draws
    assert {len(values) for values in draws.values()} == {256}
    assert sum(key.endswith("safety_factor") for key in draws) == 4
    monkeypatch.setattr(module, "infer_together", None)  # all is kept: nothing is inferred any more
    again = calibrate(events[events["site"] != "mid"], chain, resume_dir=tmp_path, **asked)
    assert again.to_dict()["points"] == found.to_dict()["points"]
    assert again.scenario == found.scenario


def test_a_group_that_was_cancelled_stops(chain):
    def stop(_):
        msg = "the calibration was cancelled"
        raise RunError(msg)

    problem = together(chain, "mid")
    with pytest.raises(RunError, match="cancelled"):
        infer_together(problem.group, problem.periods, seed=1, simulations=256, tick=stop)


@pytest.mark.parametrize(
    ("change", "gone", "said"),
    [({"stock[1].policy": {"kind": "kanban", "cards": 3, "lot": 20}}, ["mid"], "orders by 'kanban'"),
     ({}, ["mid", "shop", "stall"], "what is asked of it is not known"),
     ({"disruptions": [{"kind": "dock_closed", "where": {"site": "mid"}, "start": 99, "duration": 9,
                        "name": "strike"}]}, ["mid"], "'strike' hit mid/tea")],
)  # fmt: skip
def test_a_group_of_which_nothing_can_be_inferred_says_why(chain, change, gone, said):
    events = emulate.events(chain)
    start = twin.apply(chain, change)
    periods, top = add_up(events[~events["site"].isin(gone)], start), build(start)
    found = [around(periods, top, rows) for rows in groups(periods, top)]
    assert any(said in group.reason for group in found), [group.reason for group in found]
    results = infer_together(found[0], periods, seed=1)
    assert all(p.reason == found[0].reason and not p.draws for p in results)
    assert any("mid/tea" in p.reason for p in results)


def test_of_whom_nothing_is_seen_nothing_is_said(chain):
    events = emulate.events(chain)
    lost = (events["site"] == "hub") | (events["site"] == "mid") & (events["kind"] == "receive")
    periods, top = add_up(events[~lost], chain), build(chain)
    assert [around(periods, top, rows).reason for rows in groups(periods, top)] == [
        "what hub/tea ordered was not reported, and jointly nothing can be inferred: "
        "nor was anything that came of it"
    ]
