"""Fitting text to a channel: nothing lost, nothing too long, nothing cut that belongs together."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.markup import spans
from channels.message import Capabilities, Choice, RateLimit
from channels.text import (
    MOST_BUBBLES,
    Bubble,
    TooLong,
    Unit,
    fit,
    is_list,
    measure,
    numbered,
    shorten,
    split,
)

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
UNBREAKABLE = [
    FAMILY,
    "🇩🇪",
    "👍🏽",
    "e\u0301",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "❤️",
]
LINK = "https://example.org/a_b/_c_?x=1&y=2"
PIECES = [
    "Rübe",
    "a",
    " ",
    "  ",
    "\n",
    "\n\n",
    ". ",
    "! ",
    "*fett*",
    "_schräg_",
    "*",
    "_",
    LINK,
    *UNBREAKABLE,
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=60).map("".join)
UNITS: list[Unit] = ["characters", "utf16", "utf8"]


def capabilities(**changes: object) -> Capabilities:
    """A channel with small limits."""
    values: dict[str, object] = {
        "text_limit": 100,
        "text_unit": "characters",
        "caption_limit": 30,
        "buttons": 3,
        "button_title_limit": 20,
        "rate": RateLimit(1),
    }
    return Capabilities(**(values | changes))  # type: ignore[arg-type]  # the changes are of many types


# As WhatsApp has them, only smaller.
LISTS = {"list_rows": 5, "list_title_limit": 24, "list_description_limit": 40, "choices_text_limit": 50}


def choices(*titles: str) -> tuple[Choice, ...]:
    """Choices with these titles."""
    return tuple(Choice(f"q.{number}", title) for number, title in enumerate(titles))


def squeezed(text: str) -> str:
    """`text` without white space, which a cut may swallow."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    ("text", "characters", "utf16", "utf8"),
    [("", 0, 0, 0), ("Rübe", 4, 4, 5), ("👋", 1, 2, 4), ("🇩🇪", 2, 4, 8), ("\ud83d", 1, 1, 3)],
)
def test_lengths_are_the_providers(text: str, characters: int, utf16: int, utf8: int) -> None:
    """Also of what is not quite text."""
    assert [measure(text, unit) for unit in UNITS] == [characters, utf16, utf8]


@given(TEXTS, st.integers(40, 90), st.sampled_from(UNITS))
def test_every_part_fits_and_nothing_is_lost(text: str, limit: int, unit: Unit) -> None:
    """Whatever the text: only white space may go, and the marks of a pair that is too long itself."""
    parts = split(text, limit, unit)
    assert all(part == part.strip() and 0 < measure(part, unit) <= limit for part in parts)
    pairs_are_short = all(measure(text[span.start : span.end], unit) <= limit for span in spans(text))
    if pairs_are_short:
        assert squeezed("".join(parts)) == squeezed(text)
    else:
        assert re.sub(r"[\s*_]", "", "".join(parts)) == re.sub(r"[\s*_]", "", text)


@given(st.integers(30, 60), st.lists(st.sampled_from([*UNBREAKABLE, "x"]), min_size=1, max_size=80))
def test_no_emoji_is_cut(limit: int, written: list[str]) -> None:
    """In a text without any better place to cut."""
    parts = split("".join(written), limit, "utf8")
    rest = list(written)
    for part in parts:
        while part:
            assert part.startswith(rest[0])
            part = part.removeprefix(rest.pop(0))
    assert rest == []


@given(
    st.integers(60, 90),
    st.lists(st.sampled_from(["wort", LINK, "*fett gedruckt*", "_a *b* c_"]), max_size=30),
)
def test_no_link_and_no_pair_of_marks_is_cut(limit: int, words: list[str]) -> None:
    """They would show as broken links and lone asterisks."""
    text = " ".join(words)
    whole = [text[span.start : span.end] for span in spans(text)]
    found = [part[span.start : span.end] for part in split(text, limit, "utf16") for span in spans(part)]
    assert found == whole


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Erster Absatz.\n\nZweiter. Absatz", ["Erster Absatz.", "Zweiter. Absatz"]),
        ("Erste Zeile hier\nZweite. Zeile", ["Erste Zeile hier", "Zweite. Zeile"]),
        ("Ein Satz steht da. Noch einer folgt", ["Ein Satz steht da.", "Noch einer folgt"]),
        ("Kein Satzende nur sehr viele Wörter", ["Kein Satzende nur sehr", "viele Wörter"]),
        ("kurz Donaudampfschifffahrtsgesellschaft", ["kurz", "Donaudampfschifffahrtsges", "ellschaft"]),
    ],
)
def test_the_best_place_in_reach_is_taken(text: str, parts: list[str]) -> None:
    """Paragraph before line before sentence before word, as long as a part is at least half full."""
    assert split(text, 25, "characters") == parts


def test_a_pair_longer_than_a_message_loses_its_marks() -> None:
    """Better plain words than an asterisk that opens here and closes in the next bubble."""
    assert split("*" + "sehr lang " * 5 + "x*", 30, "characters") == [
        "sehr lang sehr lang sehr lang",
        "sehr lang sehr lang x",
    ]


def test_few_choices_become_buttons_on_the_last_bubble() -> None:
    """The text before them has none."""
    offered = choices("Preise", "Termine")
    bubbles = fit("Satz eins steht hier. " * 6, offered, capabilities())
    assert len(bubbles) == 2
    assert [bubble.choices for bubble in bubbles] == [(), offered]


@pytest.mark.parametrize("buttons", [0, 2])
def test_more_choices_than_buttons_become_numbers(buttons: int) -> None:
    """And none of them a button: half a menu would hide the other half."""
    offered = (*choices("Preise", "Termine"), Choice("q.9", "Mensch", "wir rufen an"))
    assert fit("Was möchten Sie?", offered, capabilities(buttons=buttons)) == [
        Bubble("Was möchten Sie?\n\n1 Preise\n2 Termine\n3 Mensch – wir rufen an")
    ]


def test_a_title_too_long_for_a_button_is_shortened() -> None:
    """The code behind it stays."""
    (bubble,) = fit("?", choices("Rübenpreise der Kampagne 2026", "Nein"), capabilities())
    assert [choice.title for choice in bubble.choices] == ["Rübenpreise der Kam…", "Nein"]
    assert [choice.id for choice in bubble.choices] == ["q.0", "q.1"]


def test_titles_that_would_look_alike_become_numbers() -> None:
    """Nobody could tell the buttons apart."""
    (bubble,) = fit(
        "?", choices("Rübenpreise der Kampagne 2025", "Rübenpreise der Kampagne 2026"), capabilities()
    )
    assert bubble.choices == ()
    assert bubble.text.endswith("1 Rübenpreise der Kampagne 2025\n2 Rübenpreise der Kampagne 2026")


def test_further_numbers_follow_the_choices() -> None:
    """Back and a person, where the channel has no buttons."""
    further = (Choice("q.1", "Zurück", key="0"), Choice("q.2", "Mensch", key="9"))
    assert numbered((*choices("Preise"), *further)) == "1 Preise\n0 Zurück\n9 Mensch"


def test_numbers_can_do_without_descriptions() -> None:
    """Where there is no room for them."""
    menu = (Choice("q.1", "Preise", "je Tonne"), Choice("q.2", "Zurück", "zur Übersicht", key="0"))
    assert numbered(menu) == "1 Preise – je Tonne\n0 Zurück – zur Übersicht"
    assert numbered(menu, describe=False) == "1 Preise\n0 Zurück"


@pytest.mark.parametrize(
    ("titles", "rows", "listed"),
    [
        (("Ja", "Nein", "Weiß nicht"), 5, False),
        (("eins", "zwei", "drei", "vier"), 5, True),
        (("Ja", "Das sind 21 Zeichen.."), 5, True),
        (("Ja", "Das sind 20 Zeichen."), 5, False),
        (("eins", "zwei", "drei", "vier"), 0, False),
        ((), 5, False),
    ],
)
def test_too_many_or_too_long_choices_for_buttons_are_a_list(
    titles: tuple[str, ...], rows: int, listed: bool
) -> None:
    """On a channel that has lists."""
    assert is_list(choices(*titles), capabilities(list_rows=rows)) == listed


def test_a_list_has_descriptions_and_buttons_have_none_to_lose() -> None:
    """A row is not cut to a button's length either, and its code stays."""
    menu = (*choices("eins", "zwei", "drei"), Choice("q.9", "vierundzwanzig Zeichen..", "je Tonne"))
    assert fit("Was?", menu, capabilities(**LISTS)) == [Bubble("Was?", menu)]
    few = (Choice("q.0", "Ja", "gern"), Choice("q.1", "Nein"))
    assert fit("Was?", few, capabilities(**LISTS)) == [Bubble("Was?", few)]


def test_a_title_too_long_for_its_row_stands_below_it_in_full() -> None:
    """Before its description, as far as both have room there."""
    menu = (
        Choice("q.0", "Rübenpreise der Kampagne 2026"),
        Choice("q.1", "Lieferplan der Kampagne 2026", "Tage, Uhrzeiten und Wege"),
        Choice("q.2", "kurz", "Wort " * 10),
    )
    (bubble,) = fit("?", menu, capabilities(**LISTS))
    assert [(row.id, row.title, row.description) for row in bubble.choices] == [
        ("q.0", "Rübenpreise der Kampagn…", "Rübenpreise der Kampagne 2026"),
        ("q.1", "Lieferplan der Kampagne…", "Lieferplan der Kampagne 2026 – Tage, Uh…"),
        ("q.2", "kurz", "Wort Wort Wort Wort Wort Wort Wort Wort…"),
    ]


@pytest.mark.parametrize(
    "titles",
    [
        ("eins", "zwei", "drei", "vier", "fünf", "sechs"),
        ("Rübenpreise der Kampagne 2025", "Rübenpreise der Kampagne 2026"),
    ],
)
def test_what_fits_into_no_list_is_numbers(titles: tuple[str, ...]) -> None:
    """More than its rows, or rows that would look alike."""
    (bubble,) = fit("?", choices(*titles), capabilities(**LISTS))
    assert bubble.choices == ()
    assert bubble.text.endswith(f"\n{len(titles)} {titles[-1]}")


@pytest.mark.parametrize("titles", [("Ja", "Nein"), ("eins", "zwei", "drei", "vier")])
def test_only_the_text_right_above_the_choices_has_to_be_short(titles: tuple[str, ...]) -> None:
    """What comes before it is as long as any text, and a text without choices, too."""
    channel, menu = capabilities(**LISTS), choices(*titles)
    sentence = "Ein Satz von dreißig Zeichen. "
    bubbles = fit(sentence * 5, menu, channel)
    assert [len(bubble.text) for bubble in bubbles] == [89, 29, 29]
    assert [bubble.choices for bubble in bubbles] == [(), (), menu]
    assert [len(bubble.text) for bubble in fit(sentence * 5, (), channel)] == [89, 59]
    numbers = fit(sentence * 2, choices(*"abcdef"), channel)
    assert [len(bubble.text) for bubble in numbers] == [84], "numbered text is text like any other"


@pytest.mark.parametrize(("limit", "count"), [(None, 1), (50, 2)])
def test_a_file_and_choices_share_a_message_only_where_choices_are_no_kind_of_their_own(
    limit: int | None, count: int
) -> None:
    """Telegram shows buttons below a photo; WhatsApp shows either."""
    bubbles = fit("Ja?", choices("Ja", "Nein"), capabilities(choices_text_limit=limit), with_media=True)
    assert len(bubbles) == count
    assert bubbles[-1] == Bubble("Ja?", choices("Ja", "Nein"))
    assert all(bubble == Bubble("") for bubble in bubbles[:-1])


def test_choices_without_text_are_still_offered() -> None:
    """As lines alone, or as buttons under nothing."""
    assert fit("", choices("Ja"), capabilities(buttons=0)) == [Bubble("1 Ja")]
    assert fit("", choices("Ja"), capabilities()) == [Bubble("", choices("Ja"))]


def test_a_short_text_is_the_caption_of_a_file_and_a_long_one_follows_it() -> None:
    """The file goes with the first bubble."""
    assert fit("Ihr Beleg", (), capabilities(), with_media=True) == [Bubble("Ihr Beleg")]
    long_text = "Das ist zu lang für eine Unterschrift."
    assert fit(long_text, (), capabilities(), with_media=True) == [Bubble(""), Bubble(long_text)]


def test_what_needs_more_bubbles_than_five_is_refused() -> None:
    """Nobody reads them, and the rate limits bite."""
    assert len(fit("x" * 500, (), capabilities())) == MOST_BUBBLES
    with pytest.raises(TooLong, match="6 messages"):
        fit("x" * 501, (), capabilities())


@given(TEXTS, st.integers(0, 9), st.integers(0, 4))
def test_a_reply_always_fits_or_is_refused(text: str, offered: int, buttons: int) -> None:
    """Every bubble within the limits, every choice offered exactly once, in words or as a button."""
    channel = capabilities(buttons=buttons, text_limit=200)
    menu = choices(*(f"Punkt {number}" for number in range(offered)))
    try:
        bubbles = fit(text, menu, channel)
    except TooLong:
        return
    assert 1 <= len(bubbles) <= MOST_BUBBLES
    assert all(measure(bubble.text, channel.text_unit) <= channel.text_limit for bubble in bubbles)
    assert all(bubble.choices == () for bubble in bubbles[:-1])
    shown = "\n".join(bubble.text for bubble in bubbles)
    if offered <= buttons:
        assert bubbles[-1].choices == menu
    else:
        assert bubbles[-1].choices == ()
        assert all(f"{number} {choice.title}" in shown for number, choice in enumerate(menu, 1))


@given(TEXTS, st.lists(st.text("abcü ", min_size=1, max_size=30), max_size=7, unique=True))
def test_a_reply_with_a_list_always_fits_too(text: str, titles: list[str]) -> None:
    """Every row, the text above it, and what is said of a title that was cut."""
    channel, menu = capabilities(**LISTS, text_limit=300), choices(*titles)
    try:
        *before, last = fit(text, menu, channel)
    except TooLong:
        return
    listed = is_list(menu, channel)
    assert all(not bubble.choices and len(bubble.text) <= 300 for bubble in before)
    assert len(last.text) <= (50 if last.choices else 300)
    assert all(len(row.title) <= (24 if listed else 20) for row in last.choices)
    assert all(len(row.description) <= 40 for row in last.choices)
    assert [row.id for row in last.choices] in ([], [choice.id for choice in menu])


@given(st.lists(st.sampled_from(["Rübe ", *UNBREAKABLE]), max_size=20).map("".join), st.integers(15, 40))
def test_a_shortened_title_fits(title: str, limit: int) -> None:
    """And ends between two characters."""
    short = shorten(title, limit)
    assert len(short) <= limit
    assert short == title or title.startswith(short.removesuffix("…"))
