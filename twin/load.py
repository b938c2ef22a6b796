"""Scenarios in and out of files, and the scenarios that come with the product."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from twin.check import check
from twin.errors import ScenarioError
from twin.files import EMPTY, read_text, write_text
from twin.names import nearest
from twin.schema import Scenario
from twin.tables import expand
from twin.validate import validate
from twin.yaml_text import parse, scalar

ENDINGS = (".yaml", ".yml", ".json")


def load(path: str | Path) -> Scenario:
    """Return the scenario of a YAML or JSON file, or of a shipped scenario's name, checked.

    Parameters
    ----------
    path
        File, or the name of a shipped scenario.

    Raises
    ------
    ScenarioError
        If anything is wrong; one line for each problem with file, line, path and value.
    """
    file = find(path)
    if file.suffix.lower() not in ENDINGS and file.is_file():
        msg = f"{file}: ending '{file.suffix}'; a scenario is a {', '.join(ENDINGS)} file"
        raise ScenarioError(msg)
    return _scenario(read_text(file), str(file), file.parent)


def load_text(text: str, name: str = "scenario") -> Scenario:
    """Return the scenario of a YAML or JSON text, checked.

    Parameters
    ----------
    text
        What a scenario file would hold; without tables, which lie beside a file.
    name
        What messages call it.

    Raises
    ------
    ScenarioError
        As :func:`load`.
    """
    if "\0" in text:
        msg = f"{name}: NUL character at position {text.index(chr(0))}; give plain text"
        raise ScenarioError(msg)
    if not text.strip():
        msg = f"{name}: the text is empty; {EMPTY}"
        raise ScenarioError(msg)
    return _scenario(text, name, None)


def _scenario(text: str, name: str, folder: Path | None) -> Scenario:
    data, places = parse(text, name)
    expand(data, places, folder)
    scenario = validate(data, places)
    check(scenario, places)
    return scenario


def save(scenario: Scenario, path: str | Path, head: Sequence[str] = ()) -> None:
    """Write a scenario to a YAML file (JSON for ``.json``), whole or not at all.

    Parameters
    ----------
    scenario
        What to write; defaults are left out.
    path
        File; replaced if it exists.
    head
        Lines of comment at its top (YAML only).

    Raises
    ------
    OutputError
        If the file cannot be written.
    ScenarioError
        If the ending says neither YAML nor JSON.
    """
    file = Path(path)
    if file.suffix.lower() not in ENDINGS:
        msg = f"{file}: ending '{file.suffix}'; save a scenario as {', '.join(ENDINGS)}"
        raise ScenarioError(msg)
    if file.suffix.lower() == ".json":
        text = json.dumps(plain_data(scenario), indent=1, ensure_ascii=False) + "\n"
    else:
        text = to_text(scenario, head)
    write_text(file, text)


def to_text(scenario: Scenario, head: Sequence[str] = ()) -> str:
    """Return a scenario as YAML, the same text for the same scenario; defaults are left out."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in head)
    data = plain_data(scenario)
    return comment + yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def plain_data(scenario: Scenario) -> dict[str, Any]:
    """Return mappings, lists and values as a person writes them; defaults are left out."""
    data: dict[str, Any] = _plain_lead_times(scenario.to_dict())
    return data


def find(name_or_path: str | Path) -> Path:
    """Return the file of a scenario: a path, or the name of a shipped one (``_`` equals ``-``).

    Raises
    ------
    ScenarioError
        If a bare name is neither a file nor a shipped scenario.
    """
    path, name = Path(name_or_path), str(name_or_path)
    if "\0" in name or path.suffix.lower() in ENDINGS or path.name != name or path.is_file():
        return path
    files = _shipped_files()
    for file in files:
        if _key(file.stem) == _key(name):
            return file
    known = nearest(name, [f.stem for f in files])
    msg = f"'{name}': neither a file nor a shipped scenario; {known}"
    raise ScenarioError(msg)


def shipped() -> list[tuple[str, str, Path]]:
    """Return name, title and file of each scenario that comes with the product, by name."""
    found = []
    for path in _shipped_files():
        data, _ = parse(read_text(path), path.name)
        if isinstance(data, dict) and "sites" in data:
            found.append((path.stem, str(data.get("title") or ""), path))
    return found


def _shipped_files() -> list[Path]:
    files = (Path(str(entry)) for entry in resources.files("configs").iterdir())
    return sorted(f for f in files if f.suffix == ".yaml")


def _key(name: str) -> str:
    return name.replace("-", "_")


def _plain_lead_times(data: Any) -> Any:
    """Write constant lead times as plain numbers."""
    if isinstance(data, dict):
        if set(data) == {"value"}:
            return data["value"]
        return {k: _plain_lead_times(v) for k, v in data.items()}
    if isinstance(data, list):
        return [_plain_lead_times(v) for v in data]
    return data


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Block style with short lists in one line; quotes words that are no text to our reader."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    quote = "'" if not isinstance(scalar(value), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quote)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    flat = not any(isinstance(v, dict | list) for v in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flat)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
