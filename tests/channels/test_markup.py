"""Our own markup: *bold* and _italic_, and nothing else."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.markup import WORD_JOINER, spans, to_html, to_marks, to_plain

WRITTEN = st.lists(
    st.sampled_from(["*", "_", "a", "Rübe", " ", "\n", "<", "&", ">", ".", "https://x.org/_a_*b*"]),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("text", "html", "plain"),
    [
        ("*fett*", "<b>fett</b>", "fett"),
        ("_schräg_", "<i>schräg</i>", "schräg"),
        ("*fett _und schräg_*", "<b>fett <i>und schräg</i></b>", "fett und schräg"),
        ("(*fett*), _so_!", "(<b>fett</b>), <i>so</i>!", "(fett), so!"),
        ("*a* und *b*", "<b>a</b> und <b>b</b>", "a und b"),
        ("*a _b* c_", "<b>a _b</b> c_", "a _b c_"),  # pairs nest, they never cross
        ("3*4*5 und snake_case_name", "3*4*5 und snake_case_name", "3*4*5 und snake_case_name"),
        ("5*6* ist 30, a_b_ auch", "5*6* ist 30, a_b_ auch", "5*6* ist 30, a_b_ auch"),
        ("* kein * Listenpunkt *", "* kein * Listenpunkt *", "* kein * Listenpunkt *"),
        ("*über\nzwei Zeilen*", "*über\nzwei Zeilen*", "*über\nzwei Zeilen*"),
        ("**", "**", "**"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d", "a < b & c > d"),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;", "<b>x</b>"),
        (
            "https://x.org/_a_/b?c=1&d=2 _ja_",
            "https://x.org/_a_/b?c=1&amp;d=2 <i>ja</i>",
            "https://x.org/_a_/b?c=1&d=2 ja",
        ),
        ("*https://x.org*", "<b>https://x.org</b>", "https://x.org"),
        ("_siehe https://x.org/a_b._", "<i>siehe https://x.org/a_b.</i>", "siehe https://x.org/a_b."),
    ],
)
def test_marks_count_in_pairs_at_the_edges_of_words(text: str, html: str, plain: str) -> None:
    """As people write them, not as a grammar has it."""
    assert to_html(text) == html
    assert to_plain(text) == plain


class Balanced(HTMLParser):
    """Fails on a tag that closes what is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only ours may come up."""
        assert tag in {"b", "i"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The last one opened closes first."""
        assert self.open.pop() == tag


@given(WRITTEN)
def test_html_is_always_well_formed_and_says_the_same(text: str) -> None:
    """Telegram refuses a message for one crossed tag."""
    html = to_html(text)
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    assert unescape(re.sub(r"</?[bi]>", "", html)) == to_plain(text)
    assert len(to_plain(text)) <= len(text)


J = WORD_JOINER


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("*fett* und _schräg_", "*fett* und _schräg_"),
        ("*fett _und schräg_*", "*fett _und schräg_*"),
        ("3*4*5, snake_case_name, a~b", "3*4*5, snake_case_name, a~b"),
        ("3 * 4 ~ 12", "3 * 4 ~ 12"),
        ("5*6* ist 30", f"5*6{J}*{J} ist 30"),
        ("*über\nzwei Zeilen*", f"{J}*{J}über\nzwei Zeilen{J}*{J}"),
        ("~weg~ und `fest`", f"{J}~{J}weg{J}~{J} und {J}`{J}fest{J}`{J}"),
        ("https://x.org/_a_/~b/*", "https://x.org/_a_/~b/*"),
        ("https://de.wikipedia.org/wiki/Rübe_(Pflanze)", "https://de.wikipedia.org/wiki/Rübe_(Pflanze)"),
        ("siehe https://x.org/a_ ~x", f"siehe https://x.org/a_ {J}~{J}x"),
        ("*siehe https://x.org/_a_*", "*siehe https://x.org/_a_*"),
        ("", ""),
    ],
)
def test_what_is_no_markup_of_ours_is_none_on_the_phone(text: str, sent: str) -> None:
    """WhatsApp and Threema know two marks more, and are less strict with those that we share."""
    assert to_marks(text) == sent


MARKED = st.lists(st.sampled_from([*"*_~`a ü.(!", "\n", "3", "https://x.org/_a_~b"]), max_size=40).map(
    "".join
)
_EDGES = re.compile(r"[\s.,!?;:&(){}\[\]'\"*~_…-]|^$")


@given(MARKED)
def test_no_stray_mark_stands_where_a_messenger_looks_for_one(text: str) -> None:
    """Threema takes a mark for one beside white space, punctuation or an end; what is invisible is none."""
    sent = to_marks(text)
    assert sent.replace(J, "") == text
    ours = [span for span in spans(text) if span.mark != "link"]
    free = {at for span in ours for at in (span.start, span.end - 1)}
    free |= {at for span in spans(text) if span.mark == "link" for at in range(span.start, span.end + 1)}
    at = -1
    for place, character in enumerate(sent):
        at += character != J
        before, after = sent[place - 1 : place] if place else "", sent[place + 1 : place + 2]
        is_alone = not before.strip() and not after.strip()  # as in "3 * 4"
        if character in "*_~`" and at not in free and not is_alone:
            assert not _EDGES.match(before), (text, at)
            assert not _EDGES.match(after), (text, at)
