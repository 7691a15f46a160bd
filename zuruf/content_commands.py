"""`zuruf content import|export|check`: the content as files, from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from bot.clock import Clock
from bot.content_export import FolderNotEmpty, export_content
from bot.content_files import read_folder
from bot.content_import import Conflict, ContentConflict, ImportCounts, import_content
from bot.content_problems import ContentRefused, FileProblem
from bot.content_rules import ContentRules
from bot.database import Database
from zuruf.trouble import told_plainly

Result = TypeVar("Result")
Rules = Callable[[Path], ContentRules]  # by configuration file
Opened = Callable[[Path], Database]

PathArgument = Annotated[Path, typer.Argument(help="A folder with content, or one *.toml file.")]
ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]
CONFIG = Path("config.toml")
_DIFFERENCE_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def content_commands(rules: Rules, open_configured: Opened) -> typer.Typer:
    """The commands; `check` asks for the rules alone, so that it needs no database."""
    app = typer.Typer(help="Check, import and export menu, FAQ, topics and texts.", no_args_is_help=True)

    @app.command()
    @told_plainly
    def check(path: PathArgument, config: ConfigOption = CONFIG) -> None:
        """Name everything that is wrong with content files. Changes nothing, needs no database."""
        known = rules(config)
        draft = read_folder(path, known.kinds)
        problems = draft.check(known)
        if problems:
            _refuse(problems)
        counted = [(kind.name, sum(each == kind.name for each, _ in draft.items)) for kind in known.kinds]
        found = ", ".join(f"{count} {kind}" for kind, count in counted if count)
        _say(f"In order: {found or 'no items'}.")

    @app.command("import")
    @told_plainly
    def import_(
        path: PathArgument,
        config: ConfigOption = CONFIG,
        force: Annotated[bool, typer.Option("--force", help="Overwrite what was edited live.")] = False,
    ) -> None:
        """Make the live content equal the files; a running gateway follows at once.

        Kinds of content that the files do not hold stay as they are. Nothing is changed if anything is
        wrong, or if items were edited live since their last import.
        """
        known = rules(config)
        draft = read_folder(path, known.kinds)

        async def work(database: Database) -> ImportCounts:
            return await import_content(database, known, draft, Clock().now_ms(), force=force)

        _say(_summary(_with_database(open_configured, config, work)))

    @app.command()
    @told_plainly
    def export(
        path: Annotated[Path, typer.Argument(help="A new or empty folder.")],
        config: ConfigOption = CONFIG,
        force: Annotated[bool, typer.Option("--force", help="Replace the folder's content files.")] = False,
    ) -> None:
        """Write the live content to files that can be edited and imported again."""
        kinds = rules(config).kinds
        counts = _with_database(
            open_configured, config, lambda database: export_content(database, kinds, path, force=force)
        )
        _say(f"{_count(counts.items, 'item')} written to {_count(counts.files, 'file')} in {path}.")

    return app


def _with_database(
    open_configured: Opened, config: Path, work: Callable[[Database], Awaitable[Result]]
) -> Result:
    async def run() -> Result:
        database = open_configured(config)
        try:
            await database.upgrade()
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except ContentRefused as refused:
        _refuse(refused.problems)
    except ContentConflict as conflict:
        _show_conflicts(conflict.conflicts)
    except FolderNotEmpty as error:
        _fail(f"{error} is not an empty folder. Name another one, or replace its content with --force.")


def _summary(counts: ImportCounts) -> str:
    order = "; the order of items is new" if counts.reordered else ""
    return (
        f"{counts.added} added, {counts.changed} changed, {counts.removed} removed,"
        f" {counts.unchanged} unchanged{order}."
    )


def _refuse(problems: tuple[FileProblem, ...]) -> NoReturn:
    console = Console(stderr=True, soft_wrap=True)
    for problem in problems:
        item = f' [[{problem.kind}]] "{problem.id}"' if problem.id else f" [[{problem.kind}]]"
        line = Text.assemble((problem.place, "bold"), (item if problem.kind else "", "cyan"))
        console.print(line.append(f" {problem.message}"))
        if problem.cure:
            console.print(Text(f"    {problem.cure}", "dim"))
    _fail(f"{_count(len(problems), 'problem')}; nothing was changed.")


def _show_conflicts(conflicts: tuple[Conflict, ...]) -> NoReturn:
    console = Console(stderr=True, soft_wrap=True)
    for conflict in conflicts:
        console.print(Text(f'[[{conflict.kind}]] "{conflict.id}" was edited live:', "bold"))
        for line in conflict.difference:
            console.print(Text(line, _DIFFERENCE_STYLES.get(line[:1], "")))
    _fail(
        f"{_count(len(conflicts), 'live edit')} would be lost; nothing was changed."
        " Bring the edits into the files (zuruf content export), or overwrite them with --force."
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _say(message: str) -> None:
    Console(soft_wrap=True).print(Text(message))


def _fail(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(Text(message, "red"))
    raise typer.Exit(1)
