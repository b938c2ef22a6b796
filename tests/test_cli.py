"""The command line: every command, what goes wrong, and what it leaves behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.bad_scenarios import BAD, Bad
from twin.cli import app
from twin.load import load
from twin.shell import effect, figures

ROOT = Path(__file__).parents[1]
SMALL = """\
name: small
title: One shop
horizon: 40
warmup: 10
replications: 3
stages: [dc, shop]
sites: [{name: dc, stage: dc}, {name: shop, stage: shop}]
items: [{name: chair, family: seats, value: 10, price: 20}]
families: [{name: seats, decoupling_point: shop}]
purchases: [{site: dc, item: chair, supplier: maker, lead_time: 2}]
lanes: [{from: dc, to: shop, lead_time: 1}]
demand: [{site: shop, item: chair, kind: poisson, mean: 4}]
"""
FIRE = "disruptions: [{kind: outage, name: fire, where: {site: dc}, start: 15, duration: 10}]\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return the file of a small scenario with a disruption."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL + FIRE)
    return path


def call(*args: Any, code: int = 0) -> Any:
    """Run the command line in this process and check its exit code."""
    done = CliRunner().invoke(app, [str(a) for a in args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def process(*args: Any, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line as a shell does."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    command = [sys.executable, "-m", "twin.cli", *(str(a) for a in args)]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, **more)


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def without_timing(text: str) -> str:
    data = json.loads(text)
    timing = data.pop("timing")
    assert timing
    kept, _, _ = text.partition('"timing"')  # the last part, so all before it is compared as bytes
    return kept + str(sorted(data))


COMMANDS = (
    "app", "run", "compare", "validate", "new", "list", "schema", "explain", "warmup", "version",
)  # fmt: skip


@pytest.mark.nojit
@pytest.mark.parametrize("command", [*COMMANDS, "import willems"])
def test_help_of_every_command_shows_two_examples_on_lines_of_their_own(command):
    said = call(*command.split(), "--help").stdout
    examples = [line for line in said.splitlines() if line.startswith("  twin ")]
    assert len(examples) >= 2
    assert any(command in line for line in examples) or command == "version"
    assert max(len(line) for line in said.splitlines()) <= 80


@pytest.mark.nojit
def test_help_names_every_command():
    said = call("--help").stdout
    for command in (*COMMANDS, "import"):
        assert f"\n  {command} " in said


def test_run_prints_kpis_with_interval_unit_and_direction_and_what_to_try_next(small):
    said = call("run", small).stdout
    assert said.startswith("One shop\n3 replications of 30 days after 10 of warm-up, seed 1\n")
    line = next(x for x in said.splitlines() if x.startswith("  on_time"))
    assert line.split()[3::2] == ["to", "%"]
    assert line.endswith("higher")
    for group in ("service", "stock", "cost", "orders", "resilience"):
        assert f"\n{group} " in said
    assert "\nTry next:\n  twin explain " in said
    assert "--set families.seats.decoupling_point=dc" in said


def test_output_into_a_pipe_is_plain_and_fits_80_columns(small):
    for args in (("run", small, "--all"), ("compare", small, "--all"), ("list",)):
        said = call(*args).stdout
        assert "\x1b" not in said
        assert max(len(line) for line in said.splitlines() if str(small) not in line) <= 80


def test_run_tells_the_effect_of_the_disruption(small):
    said = " ".join(call("run", small).stdout.split())
    assert "What 'fire' did: " in said
    assert "came on time instead of" in said
    quiet = small.with_name("quiet.yaml")
    quiet.write_text(SMALL)
    assert "did:" not in call("run", quiet).stdout


def test_the_effect_counts_only_what_happens_and_names_kinds_in_words(small):
    events = "disruptions: [{kind: dock_closed, where: {site: shop}, start: 15, duration: 9}, %s]\n"
    late = "{kind: outage, name: late, start: 40}"
    small.write_text(SMALL + events % late)
    said = " ".join(call("run", small).stdout.split())
    assert "What 'dock closed' did: " in said
    never = "'late' never happens: it begins in day 40, after the last day (39)."
    assert never in said
    small.write_text(f"{SMALL}disruptions: [{late}]\n")
    said = " ".join(call("run", small).stdout.split())
    assert f"No disruption happens. {never} Try next" in said


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [(0.5, 0.4, "40.0% X instead of 50.0%"), (0.48131, 0.48122, "48.12% X instead of 48.13%"),
     (0.481311, 0.481299, "48.130% X instead of 48.131%"), (0.4813, 0.48130001, "")],
)  # fmt: skip
def test_two_shares_are_told_apart_or_not_told(a, b, told):
    assert effect._share({"clear": True, "a": a, "b": b}, "X") == told


def test_a_change_of_money_is_not_told_as_nothing():
    row = {"clear": True, "a": 1.0, "difference": 1.0, "relative": 0.0004}
    assert effect._money(row, "cost") == "0.04% more cost"
    assert effect._money({**row, "relative": 1e-9}, "cost") == ""


def test_options_of_run_reach_the_engine(small):
    args = ("run", small, "--json", "--seed", 7, "-n", 2, "--set", "horizon=30")
    told = json.loads(call(*args, "--threads", 1).stdout)["manifest"]
    assert (told["seed"], told["replications"], told["horizon"]) == (7, 2, 30)


def test_change_with_set_equals_the_same_change_in_the_file(small):
    other = small.with_name("other.yaml")
    other.write_text(small.read_text().replace("mean: 4", "mean: 5"))
    set_ = call("run", small, "--json", "--set", "demand[0].mean=5").stdout
    assert json.loads(set_)["kpis"] == json.loads(call("run", other, "--json").stdout)["kpis"]


@pytest.mark.parametrize("command", ["run", "compare"])
def test_json_is_alone_on_stdout_and_the_same_bytes_again(small, command):
    first, second = (call(command, small, "--json").stdout for _ in range(2))
    assert without_timing(first) == without_timing(second)


def test_a_quiet_run_prints_its_kpis_and_no_remarks(small, tmp_path):
    done = call("run", small, "--quiet", "--out", tmp_path / "out")
    assert "fill_rate" in done.stdout
    assert "Try next" not in done.stdout
    assert done.stderr == ""
    assert (tmp_path / "out" / "kpis.csv").exists()


def test_out_writes_tables_histories_manifest_and_scenario(small, tmp_path):
    out = tmp_path / "deep" / "out"
    done = call("run", small, "--out", out)
    assert f"files to {out}/" in done.stderr
    wanted = {"kpis.csv", "per_replication.csv", "by_stage.csv", "manifest.json", "scenario.yaml"}
    assert wanted | {"history_rows_on_hand.parquet"} <= set(files(out))
    assert len((out / "per_replication.csv").read_text().splitlines()) == 1 + 3
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["scenario"]["hash"] == load(out / "scenario.yaml").hash()
    assert files(out.parent) == ["out"]


def test_scenario_written_with_a_result_gives_the_same_result(small, tmp_path):
    args = ("--json", "-n", 2, "--seed", 5, "--set", "demand[0].mean=6")
    first = call("run", small, *args, "--out", tmp_path / "out").stdout
    again = call("run", tmp_path / "out" / "scenario.yaml", "--json").stdout
    assert without_timing(first) == without_timing(again)


@pytest.mark.nojit
@pytest.mark.parametrize("args", [("--out", "{}/f/out"), ("--out", "{}/f"),
                                  ("--plot", "{}/no/p.svg"), ("--plot", "{}/p.doc")])  # fmt: skip
def test_place_that_cannot_be_written_is_refused_before_the_run(small, tmp_path, args):
    (tmp_path / "f").write_text("a file")
    before = files(tmp_path)
    done = call("run", small, *(a.format(tmp_path) for a in args), code=2)
    assert done.stderr.startswith(f"twin: {tmp_path}/")
    assert files(tmp_path) == before


def test_full_disk_is_said_and_does_not_cost_the_numbers(small, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pandas.DataFrame.to_parquet", full)
    before = files(tmp_path)
    done = call("run", small, "--out", tmp_path / "out", code=2)
    assert "cannot be written (No space left on device)" in done.stderr
    assert "  on_time" in done.stdout
    assert files(tmp_path) == before


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("familes.seats.tolerance=3", "did you mean 'families'?"),
        ("families.seat.tolerance=3", "did you mean 'seats'?"),
        ("demand[3].mean=3", "there are 1"),
        ("demand[0].mean=many", "must be a number"),
        ("horizon", "key=value"),
        ("=5", "key=value"),
        ("horizon=[1", "--set horizon"),
        ("families.seats.decoupling_point=dcc", "dcc"),
    ],
)
def test_wrong_change_is_refused_in_words(small, pair, says):
    done = call("run", small, "--set", pair, code=2)
    assert says in done.stderr
    assert done.stdout == ""


@pytest.mark.nojit
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_broken_scenario_is_one_message_exit_code_2_and_nothing_written(bad: Bad, tmp_path):
    path = bad.write(tmp_path)
    before = files(tmp_path)
    for args in (("validate", path), ("run", path, "--out", tmp_path / "out")):
        done = call(*args, code=2)
        assert done.stdout == ""
        assert done.stderr.startswith("twin: ")
        assert done.stderr.count("twin: ") == 1
        assert "Traceback" not in done.stderr
        for words in bad.says:
            assert words in done.stderr
        assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["empty", "cycle", "lead_time_negative", "table_bad_cell"])
def test_broken_scenario_in_a_process_of_its_own(name, tmp_path):
    bad = next(b for b in BAD if b.name == name)
    done = process("run", bad.write(tmp_path), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("twin: ")
    assert "Traceback" not in done.stderr


def test_plain_locale_gets_plain_letters(small):
    small.write_text(small.read_text().replace("One shop", "Café → Σ"), encoding="utf-8")
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    done = process("explain", small, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Caf? ? ?")


def test_closed_pipe_says_nothing():
    """As in ``twin list | head -0``, with a reader that is gone before anything is written."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "twin.cli", "list"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=env, check=False)
    os.close(write)
    assert done.stderr == b""


def test_ctrl_c_ends_with_130_and_leaves_nothing(small, tmp_path):
    """The bar on a pseudo-terminal says when the run is on its way."""
    before = files(tmp_path)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "twin.cli", "run", small, "-n", "1000000"]
    running = subprocess.Popen(
        [*command, "--set", "horizon=2000", "--out", tmp_path / "out"],
        stdout=subprocess.PIPE, stderr=theirs, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"running" not in seen:
        seen += os.read(ours, 4096)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 130
    assert running.stdout is not None
    assert running.stdout.read() == b""
    running.stdout.close()
    os.close(ours)
    assert files(tmp_path) == before


def test_compare_shows_what_differs_clearly(small):
    said = call("compare", small).stdout
    assert "without disruptions" in said.splitlines()[0]
    line = next(x for x in said.splitlines() if x.startswith("  on_time"))
    assert line.endswith("worse")
    other = call("compare", small, "--set", "demand[0].mean=9", "-n", 4).stdout
    assert other.startswith(f"a: {small}\nb: {small}, changed\n4 paired replications")


@pytest.mark.nojit
def test_columns_of_a_comparison_never_touch():
    row = {"kpi": "order_cycle_time", "a": -0.00789, "b": -0.0313, "difference": -0.00641,
           "low": -0.0313, "high": -0.00641, "unit": "periods", "better": "lower", "clear": True,
           "group": "service", "n": 3}  # fmt: skip
    found = SimpleNamespace(rows=[row], a=SimpleNamespace(scenario=load("beer-game")))
    line = figures.comparison_table(found).splitlines()[1]
    assert line.split()[1:] == ["-0.0079", "-0.0313", "-0.0064", "-0.0313", "to", "-0.0064",
                                "weeks", "better"]  # fmt: skip
    for x in (-1.23e-5, -0.000123, -123.4, -9_999, -12_345, 999_900, 1.2e9):
        assert len(figures._short(x)) <= 7


@pytest.mark.parametrize(("a", "b"), [("beer-game", "beer-game-human"),
                                      ("electronics", "electronics-full")])  # fmt: skip
def test_shipped_variants_can_be_compared(a, b):
    assert "1 paired replication," in call("compare", a, b, "-n", 1).stdout


def test_compare_of_equal_scenarios_finds_nothing(small):
    said = call("compare", small, small).stdout
    assert "No KPI differs clearly." in said


def test_beer_game_costs_what_was_published():
    told = json.loads(call("compare", "beer-game", "beer_game", "--json").stdout)
    cost = next(row for row in told["kpis"] if row["kpi"] == "running_cost")
    assert (cost["a"], cost["difference"]) == (204.0, 0.0)


@pytest.mark.nojit
def test_validate_counts_what_is_there(small):
    said = call("validate", small).stdout
    assert said == (
        f"{small}: ok\n2 sites, 1 items, 2 stock points, 2 supply links, 1 customers; 40 days\n"
    )


@pytest.mark.nojit
def test_validate_remarks_on_what_can_never_happen(small):
    small.write_text(small.read_text().replace("start: 15", "start: 40"))
    done = call("validate", small)
    assert ": ok" in done.stdout
    never = "never happens: it begins in day 40, after the last day (39)"
    assert done.stderr == f"twin: disruptions[0] 'fire' {never}\n"


@pytest.mark.nojit
def test_new_writes_a_scenario_that_is_whole_and_never_replaces_one_unasked(tmp_path):
    path = tmp_path / "my.yaml"
    call("new", path)
    assert load(path).name == "starter"
    path.write_text("mine")
    assert "is there already" in call("new", path, code=2).stderr
    assert path.read_text() == "mine"
    call("new", path, "--force")
    assert load(path).name == "starter"


@pytest.mark.nojit
def test_new_writes_what_the_ending_says(tmp_path):
    call("new", tmp_path / "my.json")
    assert json.loads((tmp_path / "my.json").read_text())["sites"]
    done = call("new", tmp_path / "my.txt", code=2)
    assert "ending '.txt'" in done.stderr
    assert not (tmp_path / "my.txt").exists()


@pytest.mark.nojit
def test_new_from_tables_reads_a_folder_of_csv_files(tmp_path):
    tables = {
        "sites": "name\nshop\n",
        "items": "name\nchair\n",
        "demand": "site,item,mean\nshop,chair,4\n",
        "purchases": "site,item,lead_time\nshop,chair,3\n",
    }
    (tmp_path / "planning").mkdir()
    for name, text in tables.items():
        (tmp_path / "planning" / f"{name}.csv").write_text(text)
    call("new", tmp_path / "my.yaml", "--from-tables", tmp_path / "planning")
    assert [d.mean for d in load(tmp_path / "my.yaml").demand] == [4]
    (tmp_path / "planning" / "items.csv").unlink()
    done = call("new", tmp_path / "b.yaml", "--from-tables", tmp_path / "planning", code=2)
    assert "table 'items' is missing" in done.stderr
    assert not (tmp_path / "b.yaml").exists()


@pytest.mark.nojit
def test_list_names_every_shipped_scenario():
    said = call("list").stdout
    for path in (ROOT / "configs").glob("*.yaml"):
        assert f"{path.stem} " in said or f"\n{path.stem}\n" in said


@pytest.mark.nojit
def test_schema_is_json_schema_of_scenarios():
    told = json.loads(call("schema").stdout)
    assert "sites" in told["properties"]
    assert told["$schema"].startswith("https://json-schema.org/")


@pytest.mark.nojit
def test_explain_tells_the_cut_in_words_and_in_json(small):
    assert "decoupling point" in call("explain", small).stdout
    told = json.loads(call("explain", small, "--json").stdout)
    assert told["title"] == "One shop"


def test_warmup_and_version_say_what_they_did():
    assert call("warmup").stdout.startswith("the engine is ready")
    assert "numba" in call("version").stdout
    assert call("--version").stdout == call("version").stdout


@pytest.mark.nojit
def test_unexpected_error_keeps_its_traceback(monkeypatch):
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys.modules["twin.load"], "shipped", broken)
    with pytest.raises(ZeroDivisionError):
        call("list")
