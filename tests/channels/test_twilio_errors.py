"""What Twilio's error codes mean: every one that its pages name for WhatsApp, in answers and in reports."""

import pytest

from channels.errors import SendErrorKind
from channels.twilio_errors import meaning, reported_kind

K = SendErrorKind
MEANINGS: dict[SendErrorKind, tuple[str, set[int]]] = {
    K.STOP_CHANNEL: ("channel", {20003, 63001, 63007, 63008, 63020}),
    K.RETRY_AFTER: ("channel", {20429, 21611, 30001}),
    K.RETRY_FEW: ("channel", {63009, 63010, 63012}),
    K.RETRY_TOMORROW: ("channel", {63038}),
    K.PERMANENT_RECIPIENT: ("recipient", {21211, 21408, 63003, 63015, 63024}),
    K.BLOCKED: ("recipient", {63014, 63033}),
    K.OPT_OUT: ("recipient", {21610}),
    K.NEEDS_TEMPLATE: ("recipient", {63016}),
    K.NO_RETRY_24H: ("recipient", {63049}),
    K.STOP_MARKETING: ("marketing", {63013, 63026, 63062}),
    K.PERMANENT_TEMPLATE: ("template", {21655, 21656, 63027, 63028, 63040, 63041, 63042}),
    K.PERMANENT_CONTENT: (
        "message",
        {21617, 21619, 21620, 21623, 63005, 63006, 63021, 63030, 63031, 63032, 63034, 63036, 63037},
    ),
}


@pytest.mark.parametrize("kind", MEANINGS)
def test_a_code_means_the_same_in_an_answer_and_in_a_report(kind: SendErrorKind) -> None:
    """Whatever the status it comes with: the decisive ones mostly come in reports, sometimes at once."""
    scope, codes = MEANINGS[kind]
    for code in codes:
        refused = [meaning(code, status) for status in (400, 429)]
        assert {(error.kind, error.scope, error.maybe_sent) for error in refused} == {(kind, scope, False)}
        assert {error.code for error in refused} == {str(code)}
        assert reported_kind(str(code)) == kind.value


def test_two_codes_hold_up_less_than_their_kind_does() -> None:
    """A file that Twilio could not fetch is that message's trouble, and 63018 mostly one person's."""
    assert (meaning(63019, 400).kind, meaning(63019, 400).scope) == (K.RETRY_FEW, "message")
    assert (meaning(63018, 429).kind, meaning(63018, 429).scope) == (K.RETRY_AFTER, "recipient")


@pytest.mark.parametrize(
    ("code", "status", "kind", "maybe_sent"),
    [
        (0, 429, K.RETRY_AFTER, False),
        (0, 401, K.STOP_CHANNEL, False),
        (20404, 403, K.STOP_CHANNEL, False),
        (20500, 500, K.RETRY_UNKNOWN, True),
        (0, 503, K.RETRY_UNKNOWN, True),
        (99999, 400, K.PERMANENT_CONTENT, False),
    ],
)
def test_where_the_code_is_unknown_the_status_tells(
    code: int, status: int, kind: SendErrorKind, maybe_sent: bool
) -> None:
    error = meaning(code, status)
    assert (error.kind, error.maybe_sent) == (kind, maybe_sent)
    assert error.code == str(code or status)


@pytest.mark.parametrize("code", ["", "99999", "abc", "６３０１６", "063016", "9" * 9999])
def test_a_report_may_hold_a_code_that_nobody_knows(code: str) -> None:
    assert reported_kind(code) == ""
