"""Our own markup: *bold* and _italic_, and nothing else."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.markup import to_html, to_plain

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
