"""Our adapter and the fake Threema understand each other, though neither knows the other's code."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from channels.channel import Channel, WebhookRequest
from channels.errors import MediaGone, SendError, SendErrorKind
from channels.http import make_session
from channels.message import (
    DeliveryState,
    DeliveryUpdate,
    Event,
    Identifier,
    InboundMessage,
    Media,
    MessageDeleted,
    MessageEdited,
    OutboundMessage,
    ReactionChanged,
    Receipt,
    SealedEvent,
)
from tests.channels.contract import make_channel
from tests.zuruf.providers.threema_gateway import (
    GATEWAY,
    NORA,
    NOW_S,
    PERSONS_PRIVATE_KEY,
    PRIVATE_KEY,
    SECRET,
    called_back,
    make_fake,
)
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.faults import Fault
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.threema import FakeThreema

K = SendErrorKind
BASIC = {"gateway_id": GATEWAY, "secret": SECRET}
END_TO_END = {**BASIC, "private_key": PRIVATE_KEY}
CONFIGS = {"e2e": END_TO_END, "basic": BASIC}


class Line:
    """A channel with a webhook door, and everything that came in by it."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.events: list[Event] = []
        self.sealed = 0

    async def receive(self, request: web.Request) -> web.Response:
        """Verify, parse, and open at once what is sealed."""
        body = await request.read()
        asked = WebhookRequest(request.method, request.raw_path, request.headers, body)
        self.channel.verify(asked)
        for event in await self.channel.parse(asked):
            if isinstance(event, SealedEvent):
                self.sealed += 1
                self.events += await self.channel.unseal(event.body)
            else:
                self.events.append(event)
        return web.Response()

    async def send(self, text: str = "", media: Media | None = None, to: str = NORA) -> Receipt:
        """Send one bubble."""
        return await self.channel.send(OutboundMessage(1, Identifier("threema", to), text, media=media))

    def of(self, kind: type[Event]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(params=["e2e"])
async def threema(request: pytest.FixtureRequest) -> AsyncIterator[FakeThreema]:
    async with make_fake(mode=request.param) as provider:
        yield provider


@pytest.fixture
def nora(threema: FakeThreema) -> Chat:
    return threema.chat(NORA, "Nora Beispiel")


@pytest.fixture
async def line(threema: FakeThreema, nora: Chat) -> AsyncIterator[Line]:
    async with make_session() as http:
        config = {**CONFIGS[threema.mode], "api_url": threema.url, "low_credits": 100}
        opened = Line(make_channel("threema", config, http))
        async with called_back(threema, opened.receive):
            yield opened


async def settled(threema: FakeThreema) -> None:
    await threema.until(lambda: threema.couriers.under_way == 0)


async def test_words_go_both_ways(threema: FakeThreema, line: Line, nora: Chat) -> None:
    first, second = threema.say(nora, "Grüße 😀"), threema.say(nora, "Noch da?")
    await settled(threema)
    assert [message.text for message in line.of(InboundMessage)] == ["Grüße 😀", "Noch da?"]
    message = line.of(InboundMessage)[0]
    assert message.sender.identifiers == (Identifier("threema", NORA),)
    assert (message.sender.name, message.sent_at_ms) == ("Nora Beispiel", NOW_S * 1000)
    assert (first.accepted, second.accepted, line.sealed) == (True, True, 1)
    receipt = await line.send("*Guten Tag*, _Nora_")
    assert receipt.provider_id == f"{nora.from_bot[0].message_id:016x}"
    assert nora.from_bot[0].text == "*Guten Tag*, _Nora_"


async def test_a_message_is_reported_delivered_and_read(threema: FakeThreema, line: Line, nora: Chat) -> None:
    receipt = await line.send("Guten Tag")
    await settled(threema)
    assert [(update.provider_id, update.state) for update in line.of(DeliveryUpdate)] == [
        (receipt.provider_id, DeliveryState.DELIVERED),
        (receipt.provider_id, DeliveryState.READ),
    ]
    assert nora.from_bot[0].state == "read"


async def test_reading_several_messages_reports_each(threema: FakeThreema, line: Line, nora: Chat) -> None:
    threema.sends_receipts = False
    ids = [(await line.send(text)).provider_id for text in ("eins", "zwei")]
    threema.read(nora)
    await settled(threema)
    assert [update.provider_id for update in line.of(DeliveryUpdate)] == ids


async def test_changes_and_reactions_name_their_message(threema: FakeThreema, line: Line, nora: Chat) -> None:
    receipt = await line.send("Kommen Sie?")
    said = threema.say(nora, "Ja", reply_to=nora.from_bot[0].message_id)
    threema.typing(nora)
    threema.edit(nora, said, "Nein, doch nicht. " * 20)
    threema.delete(nora, said)
    for emoji in ("👍", "😀", ""):
        threema.react(nora, nora.from_bot[0], emoji)
    await settled(threema)
    (message,), (edit,), (delete,) = (
        line.of(kind) for kind in (InboundMessage, MessageEdited, MessageDeleted)
    )
    assert (message.text, message.reply_to) == ("Ja", receipt.provider_id)
    assert (edit.provider_id, edit.text) == (message.provider_id, "Nein, doch nicht. " * 20)
    assert delete.provider_id == message.provider_id
    reactions = [(event.provider_id, event.emoji) for event in line.of(ReactionChanged)]
    assert reactions == [(receipt.provider_id, emoji) for emoji in ("👍", "😀", "")]


async def test_files_of_people_are_fetched_and_opened_once(
    threema: FakeThreema, line: Line, nora: Chat
) -> None:
    threema.send_photo(nora, b"a picture", "Blattläuse?")
    threema.send_voice(nora, b"a voice", 4)
    threema.send_document(nora, Upload("Größe.pdf", "application/pdf", b"%PDF"))
    await settled(threema)
    messages = line.of(InboundMessage)
    assert [message.kind for message in messages] == ["image", "voice", "document"]
    assert (messages[0].text, messages[1].media.duration_s) == ("Blattläuse?", 4)
    assert messages[2].media.file_name == "Größe.pdf"
    contents = [await fetched(line, message.media) for message in messages]
    assert contents == [b"a picture", b"a voice", b"%PDF"]
    with pytest.raises(MediaGone):
        await fetched(line, messages[0].media)


async def fetched(line: Line, media: Media) -> bytes:
    return b"".join([chunk async for chunk in line.channel.fetch_media(media)])


async def test_a_place_comes_with_its_name(threema: FakeThreema, line: Line, nora: Chat) -> None:
    threema.send_location(nora, 49.6634, 10.0712, "Hof", "Am Feld 1\n97199 Ochsenfurt")
    await settled(threema)
    (message,) = line.of(InboundMessage)
    assert (message.location.latitude, message.location.longitude) == (49.6634, 10.0712)
    assert (message.location.name, message.location.address) == ("Hof", "Am Feld 1\n97199 Ochsenfurt")


@pytest.mark.parametrize(
    ("kind", "content_type", "shown"),
    [
        ("image", "image/jpeg", "photo"),
        ("voice", "audio/mp4", "voice"),
        ("video", "video/mp4", "video"),
        ("document", "application/pdf", "document"),
    ],
)
async def test_files_of_ours_are_shown_as_their_kind(
    threema: FakeThreema, line: Line, nora: Chat, tmp_path: Path, kind: Any, content_type: str, shown: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"the content")
    await line.send("Der *Rübenbrief*", Media(kind, str(path), content_type, "Rübenbrief"))
    (message,) = nora.transcript
    assert (message.text, list(message.content)) == ("Der *Rübenbrief*", [shown])
    file = message.content[shown][-1] if shown == "photo" else message.content[shown]
    stored = threema.files.by_id(file["file_id"])
    assert stored is not None
    assert stored.upload == Upload("Rübenbrief", content_type, b"the content")
    assert threema.credits == 9_998


async def test_an_app_that_shows_no_files_gets_the_words(
    threema: FakeThreema, line: Line, nora: Chat, tmp_path: Path
) -> None:
    threema.phones[nora.chat_id].can = "text,image"
    path = tmp_path / "file"
    path.write_bytes(b"x")
    await line.send("Der Brief", Media("document", str(path), "application/pdf", "Brief.pdf"))
    assert [(message.text, message.content) for message in nora.transcript] == [("Der Brief\nBrief.pdf", {})]


async def test_the_account_is_told_with_its_credits(threema: FakeThreema, line: Line) -> None:
    assert await line.channel.check() == f"{GATEWAY}, end-to-end, 10000 credits"
    assert await line.channel.account_warning() == ""
    threema.credits = 99
    assert "99 credits" in await line.channel.account_warning()


async def test_a_private_key_of_somebody_else_is_noticed(threema: FakeThreema, nora: Chat) -> None:
    async with make_session() as http:
        config = {**END_TO_END, "private_key": PERSONS_PRIVATE_KEY, "api_url": threema.url}
        channel = make_channel("threema", config, http)
        with pytest.raises(SendError):
            await channel.set_up()
        await Line(channel).send("unreadable")
    assert (nora.transcript, len(nora.from_bot)) == ([], 1)


@pytest.mark.parametrize(
    ("trouble", "to", "kind", "maybe_sent"),
    [
        ("", "NOBODY01", K.PERMANENT_RECIPIENT, False),
        ("no credits", NORA, K.STOP_CHANNEL, False),
        ("flood", NORA, K.RETRY_AFTER, False),
        ("lost", NORA, K.RETRY_UNKNOWN, True),
    ],
)
async def test_every_trouble_of_the_gateway_has_its_meaning(
    threema: FakeThreema, line: Line, nora: Chat, trouble: str, to: str, kind: K, maybe_sent: bool
) -> None:
    await line.send("vorher")  # the key is known
    if trouble == "no credits":
        threema.credits = 0
    elif trouble == "flood":
        threema.faults.plan(Fault(answer=threema.rate_limited(), methods=threema.sending))
    elif trouble == "lost":
        threema.faults.plan(Fault(loses_reply=True, methods=threema.sending))
    with pytest.raises(SendError) as raised:
        await line.send("Guten Tag", to=to)
    assert (raised.value.kind, raised.value.maybe_sent) == (kind, maybe_sent)
    assert len(nora.from_bot) == 1 + maybe_sent


@pytest.mark.parametrize("threema", ["basic"], indirect=True)
async def test_a_basic_account_sends_text_and_nothing_else(
    threema: FakeThreema, line: Line, nora: Chat
) -> None:
    receipt = await line.send("Guten *Tag*")
    assert (receipt.provider_id, nora.from_bot[0].text) == (
        f"{nora.from_bot[0].message_id:016x}",
        "Guten *Tag*",
    )
    threema.say(nora, "Hört mich jemand?")
    await settled(threema)
    assert line.events == []
    assert "basic" in await line.channel.check()
