"""Study files: finding, reading and checking one, and the studies that come with the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from twin.errors import RunError, ScenarioError
from twin.files import read_text
from twin.load import ENDINGS
from twin.names import nearest
from twin.problems import Places, Problem, report, show
from twin.schema import Scenario
from twin.schema_walk import keys_of
from twin.study.schema import Factor, StudyFile
from twin.validate import translate
from twin.yaml_text import parse

_EMPTY = "a study names a scenario and factors; docs/studies.md shows one"


@dataclass(frozen=True)
class Source:
    """A study as it was written: its content, and where its values and files are.

    Attributes
    ----------
    study
        The content.
    places
        Lines of its values, for messages.
    folder
        Where the files that it names lie.
    """

    study: StudyFile
    places: Places
    folder: Path


def read(source: StudyFile | Mapping[str, Any] | str | Path) -> Source:
    """Return a study, checked against its schema.

    Parameters
    ----------
    source
        A study, its plain data, a file, or the name of a shipped one.

    Raises
    ------
    ScenarioError
        If anything in it is wrong; lists all problems.
    RunError
        If the source can be no study at all.
    """
    if isinstance(source, StudyFile):
        return Source(source, Places(), Path())
    if isinstance(source, Mapping):
        return Source(_validated(dict(source), Places()), Places(), Path())
    if not isinstance(source, str | Path):
        msg = (  # type: ignore[unreachable]
            f"study = {show(source)}; must be a study file, the name of a shipped study "
            f"({', '.join(name for name, _, _ in shipped())}), or its content as a mapping"
        )
        raise RunError(msg)
    file = find(source)
    if file.suffix.lower() not in ENDINGS and file.is_file():
        msg = f"{file}: ending '{file.suffix}'; a study is a {', '.join(ENDINGS)} file"
        raise ScenarioError(msg)
    data, places = parse(read_text(file, if_empty=_EMPTY), str(file))
    return Source(_validated(data, places), places, file.parent)


def _validated(data: Any, places: Places) -> StudyFile:
    if isinstance(data, Mapping) and "sites" in data and "factors" not in data:
        msg = f"{places.name or 'study'}: is a scenario, not a study; run it with `twin run`"
        raise ScenarioError(msg)
    if not isinstance(data, Mapping):
        known = ", ".join(keys_of(StudyFile))
        msg = f"{places.name or 'study'}: the content is {show(data)}; a study has keys: {known}"
        raise ScenarioError(msg)
    try:
        return StudyFile.model_validate(data)
    except ValidationError as error:
        report(_problems(error, data), places)
        raise


def _problems(error: ValidationError, data: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a study; each factor is asked again, for its own valid keys."""
    found: list[Problem] = []
    given = data.get("factors")
    for name, factor in given.items() if isinstance(given, Mapping) else ():
        try:
            Factor.model_validate(factor)
        except ValidationError as wrong:
            problems = translate(wrong, factor, Factor)
            found += [replace(p, path=("factors", name, *p.path)) for p in problems]
    asked = {p.path[:2] for p in found}
    return [*(p for p in translate(error, data, StudyFile) if p.path[:2] not in asked), *found]


def find(name_or_path: str | Path) -> Path:
    """Return the file of a study: a path, or the name of a shipped one (``_`` equals ``-``).

    Raises
    ------
    ScenarioError
        If a bare name is neither a file nor a shipped study.
    """
    path, name = Path(name_or_path), str(name_or_path)
    if "\0" in name or path.suffix.lower() in ENDINGS or path.name != name or path.is_file():
        return path
    files = _shipped_files()
    for file in files:
        if file.stem.replace("-", "_") == name.replace("-", "_"):
            return file
    from twin.study.ready import NAMES  # these run studies themselves

    names = [*NAMES, *(f.stem for f in files)]
    msg = f"'{name}': neither a file nor a study of ours; {nearest(name, names)}"
    raise ScenarioError(msg)


def shipped() -> list[tuple[str, str, Path]]:
    """Return name, title and file of each study that comes with the product, by name."""
    found = []
    for path in _shipped_files():
        data, _ = parse(read_text(path), path.name)
        found.append((path.stem, str(data.get("title") or ""), path))
    return found


def _shipped_files() -> list[Path]:
    folder = Path(str(resources.files("configs"))) / "studies"
    return sorted(folder.glob("*.yaml"))


def scenario_of(source: Source) -> Scenario:
    """Return the scenario that a study names: beside its file, elsewhere, or a shipped one.

    Raises
    ------
    ScenarioError
        If there is none, or it is wrong.
    """
    from twin.load import load

    named = source.study.scenario
    if not named:
        msg = (
            f"{source.places.name or 'study'}: 'scenario' is missing (base scenario: a file "
            "beside this one, or a name of `twin list`); add it"
        )
        raise ScenarioError(msg)
    beside = source.folder / named
    try:
        return load(beside if beside.is_file() else named)
    except ScenarioError as error:
        line = source.places.lines.get(("scenario",))
        place = f"{source.places.name}, line {line}, " if line else ""
        msg = f"{place}scenario = {show(named)}: {error}"
        raise ScenarioError(msg) from error
