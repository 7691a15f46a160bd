"""`zuruf faq ...`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from faq.ask import KnowledgeBaseUnreadable, ask, read_phrasings
from faq.matcher import Matcher
from zuruf.demo import SAMPLE_CONTENT

faq_commands = typer.Typer(help="Ask the FAQ without a messenger.", no_args_is_help=True)


@faq_commands.callback()
def faq() -> None:
    """Ask the FAQ without a messenger."""


@faq_commands.command("ask")
def ask_command(
    content: Annotated[
        Path, typer.Option(help="A content folder, or a plain file of phrasing, tab, entry id.")
    ] = SAMPLE_CONTENT,
    answer_precision: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
) -> None:
    """Read questions, one a line, and print a decision as JSON for each."""
    try:
        matcher = Matcher(read_phrasings(content), answer_precision)
    except KnowledgeBaseUnreadable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for line in ask(matcher, sys.stdin):
        print(line, flush=True)
