"""Threema, outbound: what the person reads, and what each answer of the gateway means for the message."""

import socket
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.channel import Channel
from channels.errors import SendError, SendErrorKind
from channels.http import make_session
from channels.message import Choice, DeliveryState, Identifier, Media, OutboundMessage, Receipt
from channels.text import fit
from tests.channels.contract import load_answers, make_channel
from tests.channels.threema_fake import (
    BASIC,
    CUT,
    END_TO_END,
    GATEWAY,
    MESSAGE_ID,
    PERSON,
    PRIVATE_KEY,
    SECRET,
    FakeThreema,
)

ANSWERS = load_answers("threema")
TO = Identifier("threema", PERSON)
WORDS = "Guten Tag, Frau Beispiel"
SENT = Receipt(MESSAGE_ID, DeliveryState.SENT)
TEXT = 0x01

K = SendErrorKind
OUTCOMES = {  # the samples' words -> what `send` raises; None: it counts as sent
    "accepted": None,
    "permanent_recipient": (K.PERMANENT_RECIPIENT, "recipient"),
    "auth_stop_channel": (K.STOP_CHANNEL, "channel"),
    "stop_channel": (K.STOP_CHANNEL, "channel"),
    "permanent_content": (K.PERMANENT_CONTENT, "message"),
    "retry_after": (K.RETRY_AFTER, "channel"),
    "retry_unknown": (K.RETRY_UNKNOWN, "message"),
}
MODES = {"/send_e2e": END_TO_END, "/send_simple": BASIC}


@pytest.fixture
async def threema() -> AsyncIterator[FakeThreema]:
    """The fake, listening."""
    fake = FakeThreema()
    server = await fake.start()
    yield fake
    await server.close()


@pytest.fixture
async def channel(threema: FakeThreema) -> AsyncIterator[Channel]:
    """An end-to-end account."""
    async with make_session() as http:
        yield make_channel("threema", {**END_TO_END, "api_url": threema.url}, http)


@pytest.fixture
async def basic(threema: FakeThreema) -> AsyncIterator[Channel]:
    """A basic account."""
    async with make_session() as http:
        yield make_channel("threema", {**BASIC, "api_url": threema.url}, http)


def bubble(text: str = WORDS, **content: Any) -> OutboundMessage:
    """Something to the person of the samples."""
    return OutboundMessage(1, TO, text, **content)


async def refused(channel: Channel, message: OutboundMessage | None = None) -> SendError:
    """The error that sending ends in, checked for what must never be in one."""
    with pytest.raises(SendError) as raised:
        await channel.send(message or bubble())
    shown = "".join(traceback.format_exception(raised.value))
    context = raised.value.__context__
    while context is not None:
        shown += f"{context!r} {context}"
        context = context.__context__
    assert not any(secret in shown for secret in (SECRET, PRIVATE_KEY, WORDS, PERSON))
    return raised.value


async def test_a_text_is_what_the_person_reads(channel: Channel, threema: FakeThreema) -> None:
    """Sealed for them, with bold and italics, umlauts and emoji; its id is what receipts will name."""
    assert await channel.send(bubble("*Rüben* _heute_ 😀")) == SENT
    assert threema.opened() == [(TEXT, "*Rüben* _heute_ 😀".encode())]
    (sent,) = threema.asked("send_e2e")
    assert (sent["from"], sent["to"], sent["secret"]) == (GATEWAY, PERSON, SECRET)
    assert "Rüben" not in str(sent)


async def test_two_messages_share_neither_nonce_nor_length(channel: Channel, threema: FakeThreema) -> None:
    """A nonce used twice would give both away; a length tells a yes from a no."""
    for _ in range(20):
        await channel.send(bubble("ja"))
    sent = threema.asked("send_e2e")
    assert len({each["nonce"] for each in sent}) == 20
    assert len({len(each["box"]) for each in sent}) > 1
    assert threema.opened() == [(TEXT, b"ja")] * 20


async def test_a_key_is_asked_for_once(channel: Channel, threema: FakeThreema) -> None:
    """A Threema ID keeps it for life."""
    await channel.send(bubble())
    await channel.send(bubble())
    assert len(threema.asked("pubkeys")) == 1


async def test_choices_are_numbered_text(channel: Channel, threema: FakeThreema) -> None:
    """There are no buttons: what the person may type stands in the text."""
    choices = (Choice("q1.1", "Preise"), Choice("q1.2", "Zurück", key="0"))
    for text in (part.text for part in fit("Womit geht es weiter?", choices, channel.capabilities)):
        await channel.send(bubble(text))
    ((_, payload),) = threema.opened()
    assert "1" in payload.decode()
    assert "Preise" in payload.decode()
    assert "0" in payload.decode()


async def test_a_text_is_split_by_bytes_and_stays_within_them(channel: Channel, threema: FakeThreema) -> None:
    """Also where what keeps marks from showing would add to it; no character is torn."""
    text = "größer ~ *ü " * 1000
    parts = [part.text for part in fit(text, (), channel.capabilities)]
    for part in parts:
        await channel.send(bubble(part))
    opened = [payload for _, payload in threema.opened()]
    assert len(opened) > 2
    assert all(len(payload) <= 3500 for payload in opened)
    assert all(payload.decode() for payload in opened)


@pytest.mark.parametrize("path", MODES)
@pytest.mark.parametrize("name", [name for name in sorted(ANSWERS) if ANSWERS[name]["outcome"] != "info"])
async def test_every_recorded_answer_has_its_outcome(threema: FakeThreema, name: str, path: str) -> None:
    """Chapter and verse for the error table, in both modes."""
    answer = ANSWERS[name]
    threema.answer(path.strip("/"), answer)
    async with make_session() as http:
        channel = make_channel("threema", {**MODES[path], "api_url": threema.url}, http)
        outcome = OUTCOMES[answer["outcome"]]
        if outcome is None:
            assert await channel.send(bubble()) == SENT
            return
        error = await refused(channel)
    assert (error.kind, error.scope) == outcome
    assert error.code == str(answer["status"])
    assert error.maybe_sent == (error.kind is K.RETRY_UNKNOWN)


async def test_threemas_own_waiting_time_is_kept(channel: Channel, threema: FakeThreema) -> None:
    """Where it names one."""
    threema.answer("send_e2e", {"status": 429, "body": "", "headers": {"Retry-After": "7"}})
    assert (await refused(channel)).retry_after_s == 7
    threema.answer("send_e2e", {"status": 429, "body": "", "headers": {"Retry-After": "soon"}})
    assert (await refused(channel)).retry_after_s is None


@pytest.mark.parametrize(
    "answer", [CUT, {"status": 200, "body": "<html>"}, {"status": 502, "body": "<html>"}]
)
async def test_an_answer_that_says_nothing_leaves_open_whether_it_was_sent(
    channel: Channel, threema: FakeThreema, answer: Any
) -> None:
    """Sending again may show it twice, and costs a credit."""
    threema.answer("send_e2e", answer)
    error = await refused(channel)
    assert (error.kind, error.maybe_sent) == (K.RETRY_UNKNOWN, True)


async def test_a_refused_connection_sent_nothing() -> None:
    """So it may simply be tried again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        async with make_session() as http:
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            error = await refused(make_channel("threema", {**BASIC, "api_url": url}, http))
    assert (error.kind, error.maybe_sent) == (K.RETRY_FEW, False)


@pytest.mark.parametrize(
    "answers",
    [
        [CUT, CUT],  # what only reads, the HTTP client tries twice
        [{"status": 500, "body": ""}],
        [{"status": 200, "body": "no key"}],
    ],
)
async def test_trouble_before_the_message_went_out_is_surely_not_sent(
    channel: Channel, threema: FakeThreema, answers: list[Any]
) -> None:
    """Without a key there was nothing to send."""
    threema.answer("pubkeys", *answers)
    error = await refused(channel)
    assert (error.kind, error.maybe_sent) == (K.RETRY_FEW, False)
    assert threema.asked("send_e2e") == []
    assert await channel.send(bubble()) == SENT


async def test_somebody_whom_threema_does_not_know_is_not_written_to(
    channel: Channel, threema: FakeThreema
) -> None:
    """The address is wrong, for good."""
    threema.keys.clear()
    error = await refused(channel)
    assert (error.kind, error.scope) == (K.PERMANENT_RECIPIENT, "recipient")


@pytest.mark.parametrize("to", ["../credits?", "", "TSTUSR0", "tstusr01", "+12025550123"])
async def test_what_is_no_threema_id_is_not_asked_for(
    channel: Channel, threema: FakeThreema, to: str
) -> None:
    """It would become part of the address that we call."""
    error = await refused(channel, OutboundMessage(1, Identifier("threema", to), WORDS))
    assert error.kind is K.PERMANENT_RECIPIENT
    assert threema.calls == []


async def test_a_key_that_protects_nothing_is_not_written_to(channel: Channel, threema: FakeThreema) -> None:
    """Everybody could open the box."""
    threema.keys[PERSON] = "00" * 32
    assert (await refused(channel)).kind is K.PERMANENT_RECIPIENT


async def test_a_basic_account_sends_text_as_it_is(basic: Channel, threema: FakeThreema) -> None:
    """Threema encrypts it; nobody's key is needed."""
    assert await basic.send(bubble("*Rüben* 😀")) == SENT
    assert threema.calls == [
        ("/send_simple", {"from": GATEWAY, "secret": SECRET, "to": PERSON, "text": "*Rüben* 😀"})
    ]


async def test_a_basic_account_sends_no_files(basic: Channel, threema: FakeThreema) -> None:
    """And says so instead of sending half of it."""
    error = await refused(basic, bubble(media=Media("image", "/nowhere")))
    assert error.kind is K.PERMANENT_CONTENT
    assert threema.calls == []
