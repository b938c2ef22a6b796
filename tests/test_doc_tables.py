"""The pages made from registries and schema are those that are committed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from twin.kpis import KPIS

DOCS = Path(__file__).resolve().parents[1] / "docs"


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tables", DOCS / "make_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", ["kpis.md", "parameters.md"])
def test_the_committed_page_is_up_to_date(file: str) -> None:
    made = maker().PAGES[file]()
    committed = (DOCS / file).read_text(encoding="utf-8")
    assert committed == made, "run: python docs/make_tables.py"


def test_the_pages_tell_every_kpi_kind_and_parameter() -> None:
    pages = maker()
    kpis, parameters = pages.kpis_page(), pages.parameters_page()
    assert all(f"### `{name}`" in kpis for name in KPIS)
    for _, registry in pages.REGISTRIES.values():
        assert all(f"| `{name}` |" in parameters for name in registry)
    for _, model in pages._models():
        assert all(f"| `{key}` |" in parameters for key in pages.keys_of(model))
