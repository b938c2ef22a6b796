"""Commands that make scenarios of published data: ``twin import ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.shell.commands import command
from twin.shell.options import Force
from twin.shell.terminal import say

imports = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Make scenarios of published data."
)


@command(imports, "Make a scenario of a chain of Willems (2008).", name="willems")
def import_willems(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="With stages.csv, arcs.csv.")],
    chain: Annotated[str, typer.Option(metavar="N", help="Number of the chain.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Scenario file to write.")
    ],
    force: Force = False,
) -> None:
    """Make a scenario of one of the 38 real chains of Willems (2008), from your copy of the data.

    twin import willems willems2008 --chain 10 -o chain-10.yaml
    twin run chain-10.yaml

    What the data leave open is assumed, and said in the file and here.
    """
    from twin.shell.inputs import check_new
    from twin.willems import import_chain, write_import

    check_new(output, force)
    found, assumed = import_chain(folder, chain)
    write_import(output, found, assumed)
    say(f"wrote {output}; assumed:")
    say("\n".join(f"* {text}" for text in assumed))
