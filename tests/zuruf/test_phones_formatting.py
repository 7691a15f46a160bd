"""What becomes of *bold*, _italic_ and ~struck~ words and of links on the virtual phones."""

import pytest

from channels.markup import to_marks
from zuruf.demo.formatting import found_in, marked


def spans(text: str) -> list[tuple[str, str]]:
    """What of the shown text is formatted, and how."""
    shown, entities = marked(text)
    units = shown.encode("utf-16-le")
    return [
        (one["type"], units[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"))
        for one in entities
    ]


@pytest.mark.parametrize(
    ("written", "shown", "formatted"),
    [
        ("*36,00 €/t*", "36,00 €/t", [("bold", "36,00 €/t")]),
        ("a _b_ ~c~ d", "a b c d", [("italic", "b"), ("strikethrough", "c")]),
        ("🌱🌱 *jetzt*", "🌱🌱 jetzt", [("bold", "jetzt")]),
        ("*_beides_*", "beides", [("bold", "beides"), ("italic", "beides")]),
        ("*vor _in_ nach*", "vor in nach", [("bold", "vor in nach"), ("italic", "in")]),
        ("2 * 3 * 4", "2 * 3 * 4", []),
        ("snake_case_name", "snake_case_name", []),
        ("*offen\nzu*", "*offen\nzu*", []),
        ("**", "**", []),
        (
            "siehe https://example.org/a_b_c.",
            "siehe https://example.org/a_b_c.",
            [("url", "https://example.org/a_b_c")],
        ),
    ],
)
def test_marks_format_what_stands_between_them_and_are_not_shown(
    written: str, shown: str, formatted: list[tuple[str, str]]
) -> None:
    assert marked(written)[0] == shown
    assert spans(written) == formatted


def test_commands_are_tappable_where_the_messenger_has_them() -> None:
    text = "/start oder https://example.org"
    assert [one["type"] for one in found_in(text, [], commands=True)] == ["url", "bot_command"]
    assert [one["type"] for one in found_in(text, [], commands=False)] == ["url"]


def test_nothing_is_tappable_inside_code() -> None:
    code = {"type": "code", "offset": 0, "length": 19}
    assert list(found_in("https://example.org", [code], commands=True)) == []


@pytest.mark.parametrize("text", ["~5 t~", "`x`", "*a", "_b c_d_"])
def test_what_our_adapters_keep_from_being_a_mark_is_shown_as_it_is(text: str) -> None:
    kept = to_marks(text)
    if kept != text:
        assert spans(kept) == []
