"""The house stands as `docs/architecture.md` draws it: floors, rooms, and how big a room may be."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {"channels": 0, "bot": 1, "faq": 2, "broadcasts": 2, "handoff": 2, "zuruf": 3}
MOST_MODULE_LINES = 350
MOST_FUNCTION_LINES = 60
FOLDERS = [*FLOORS, "tests", "benchmarks"]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> dict[Path, str]:
    """Every Python file of the project; migrations are history, and history grows."""
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    ours = (path for path in paths if "versions" not in path.parts)
    return {path.relative_to(ROOT): path.read_text("utf-8") for path in sorted(ours)}


@cache
def modules() -> dict[str, ast.Module]:
    """The modules of the packages, by dotted name."""
    return {module_name(path): ast.parse(text) for path, text in sources().items() if path.parts[0] in FLOORS}


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(name: str, tree: ast.Module, known: set[str]) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (found for alias in node.names if (found := nearest(alias.name, known)))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively; say the whole name"
            for alias in node.names:
                if found := nearest(f"{node.module}.{alias.name}", known):
                    yield found


def nearest(name: str, known: set[str]) -> str | None:
    """The module that `name` is, or is in; None for other people's."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def import_graph(trees: dict[str, ast.Module]) -> dict[str, set[str]]:
    known = set(trees)
    return {name: set(imports(name, tree, known)) - {name} for name, tree in trees.items()}


def wrong_floors(graph: dict[str, set[str]]) -> list[str]:
    """Imports that lead up, or from one feature into another."""
    wrong = []
    for name, imported in sorted(graph.items()):
        room = name.split(".")[0]
        for other in sorted(imported):
            other_room = other.split(".")[0]
            if room != other_room and FLOORS[other_room] >= FLOORS[room]:
                wrong.append(f"{name} imports {other}")
    return wrong


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Chains of imports that end where they began."""
    found: list[str] = []
    finished: set[str] = set()

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            found.append(" -> ".join([*way[way.index(name) :], name]))
        elif name not in finished:
            for other in sorted(graph[name]):
                visit(other, [*way, name])
            finished.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def functions(text: str) -> Iterator[tuple[Function, int]]:
    """Every function with the number of its lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def test_a_floor_imports_only_floors_below_it_and_no_feature_another() -> None:
    assert wrong_floors(import_graph(modules())) == []


def test_imports_never_run_in_a_circle() -> None:
    assert circles(import_graph(modules())) == []


def test_no_module_is_too_long_to_live_in() -> None:
    lines = {str(path): len(text.splitlines()) for path, text in sources().items()}
    assert {path: count for path, count in lines.items() if count > MOST_MODULE_LINES} == {}


def test_no_function_is_too_long_to_read() -> None:
    assert [
        f"{path}:{function.lineno} {function.name}: {lines}"
        for path, text in sources().items()
        for function, lines in functions(text)
        if lines > MOST_FUNCTION_LINES
    ] == []


def test_the_whole_house_was_looked_at() -> None:
    assert {name.split(".")[0] for name in modules()} == set(FLOORS)
    graph = import_graph(modules())
    assert "channels.message" in graph["bot.dialog"]


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("channels.a", "import bot.dialog", ["channels.a imports bot.dialog"]),
        ("bot.a", "from faq import text", ["bot.a imports faq.text"]),
        ("bot.a", "def f():\n    from faq.text import fold", ["bot.a imports faq.text"]),
        ("faq.a", "from handoff.step import x", ["faq.a imports handoff.step"]),
        ("faq.a", "from bot.dialog import Turn\nimport re", []),
        ("zuruf.a", "import faq.text, channels.b", []),
        ("channels.a", "from channels import b", []),
    ],
)
def test_an_import_in_the_wrong_direction_is_noticed(name: str, source: str, found: list[str]) -> None:
    house = [
        "channels",
        "channels.b",
        "bot",
        "bot.dialog",
        "faq",
        "faq.text",
        "handoff",
        "handoff.step",
        name,
    ]
    trees = {each: ast.parse(source if each == name else "") for each in house}
    assert wrong_floors(import_graph(trees)) == found


def test_a_circle_is_noticed() -> None:
    graph = {"bot.a": {"bot.b"}, "bot.b": {"bot.c"}, "bot.c": {"bot.a"}, "bot.d": {"bot.a"}}
    assert circles(graph) == ["bot.a -> bot.b -> bot.c -> bot.a"]
