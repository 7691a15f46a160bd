"""Our adapter and the fake Twilio understand each other, though neither knows the other's code."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import web

from channels.channel import Channel, ChannelPorts, WebhookRequest
from channels.errors import MediaGone, SendError, SendErrorKind
from channels.http import make_session
from channels.message import (
    Choice,
    DeliveryState,
    DeliveryUpdate,
    Event,
    Identifier,
    InboundMessage,
    Media,
    OutboundMessage,
    TemplateUse,
)
from channels.registry import CHANNEL_KINDS
from tests.channels.contract import DictMemory
from tests.zuruf.providers.twilio_gateway import (
    ACCOUNT,
    NORA,
    SENDER,
    TOKEN,
    Clock,
    Gateway,
    greeted,
    listening,
    make_fake,
)
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.faults import Fault
from zuruf.demo.providers.files import Upload
from zuruf.demo.providers.twilio import FakeTwilio

K = SendErrorKind
KIND = "twilio-whatsapp"
CONFIG = {"kind": KIND, "account_sid": ACCOUNT, "auth_token": TOKEN, "sender": SENDER}
PHONE = Identifier("phone", NORA)
BUSINESS_ID = "DE.13023125002"
MENU = [Choice("prices", "Preise"), Choice("dates", "Termine")]
LONG_MENU = [Choice(f"topic.{number}", f"Thema {number}", f"Alles zu {number}") for number in range(10)]


class Line(Gateway):
    """A gateway with an adapter, and everything that came in by it."""

    def open(self, http: Any, clock: Clock) -> None:
        """Make the adapter, once the doors are open."""
        ports = ChannelPorts(
            "whatsapp",
            http,
            DictMemory(),
            f"{self.url}/webhooks/whatsapp",
            media_url=lambda media: f"{self.url}/media/{media.reference}",
            now_ms=lambda: int(clock() * 1000),
        )
        config = {**CONFIG, "api_url": self.provider.url}
        adapter = CHANNEL_KINDS[KIND]
        self.channel: Channel = adapter(adapter.Config.model_validate(config), ports)
        self.events: list[Event] = []

    async def receive(self, request: web.Request) -> web.Response:
        """Verify and parse."""
        body, query = await request.read(), dict(request.query)
        asked = WebhookRequest(request.method, request.raw_path, request.headers, body, query)
        self.channel.verify(asked)
        self.events += await self.channel.parse(asked)
        return web.Response(text="<Response/>", content_type="text/xml")

    def of(self, kind: type[Event]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def latest(self) -> InboundMessage:
        """The latest message, once all have come."""
        await self.provider.until(lambda: self.provider.couriers.under_way == 0)
        message: InboundMessage = self.of(InboundMessage)[-1]
        return message

    async def say(self, text: str = "", choices: Sequence[Choice] = (), **fields: Any) -> str:
        """Send one bubble; its id at the provider."""
        message = OutboundMessage(7, PHONE, text, choices=tuple(choices), **fields)
        return (await self.channel.send(message)).provider_id


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def line(clock: Clock) -> AsyncIterator[Line]:
    async with make_fake(clock) as provider, make_session() as http:
        made = Line(provider, http)
        async with listening(made):
            made.open(http, clock)
            yield made


@pytest.fixture
def twilio(line: Line) -> FakeTwilio:
    return line.provider


@pytest.fixture
async def nora(line: Line, twilio: FakeTwilio) -> Chat:
    twilio.chat(NORA, "Nora Beispiel", BUSINESS_ID)
    return await greeted(line)


async def test_a_text_comes_from_one_person_with_two_names(line: Line, nora: Chat) -> None:
    message = await line.latest()
    assert message.text == "Hallo"
    assert message.sender.identifiers == (PHONE, Identifier("bsuid", BUSINESS_ID))
    assert message.sender.name == "Nora Beispiel"


async def test_whoever_hides_the_number_can_be_answered(line: Line, twilio: FakeTwilio) -> None:
    chat = twilio.chat("", "muster_user", BUSINESS_ID)
    twilio.say(chat, "Hallo")
    (who,) = (await line.latest()).sender.identifiers
    await line.channel.send(OutboundMessage(1, who, "Guten Tag"))
    assert chat.from_bot[0].text == "Guten Tag"


async def test_a_pin_a_card_and_a_quote_are_understood(line: Line, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.send_location(nora, 52.52, 13.405)
    location = (await line.latest()).location
    assert location
    assert (location.latitude, location.longitude) == (52.52, 13.405)
    twilio.send_contact(nora, "+493023125001", "Tom Muster")
    assert (await line.latest()).contact_card is not None
    sid = await line.say("Mittwoch?")
    twilio.say(nora, "Ja, da", reply_to=nora.from_bot[0].message_id)
    assert (await line.latest()).reply_to == sid


async def test_files_come_in_whole_although_the_store_is_late(
    line: Line, twilio: FakeTwilio, nora: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.twilio_media.EARLY_S", (0.0, 0.0))
    twilio.send_document(nora, Upload("Lieferschein.pdf", "application/pdf", b"%PDF" * 99_999))
    media = (await line.latest()).media
    assert media
    assert (media.kind, media.file_name, media.content_type) == (
        "document",
        "Lieferschein.pdf",
        "application/pdf",
    )
    twilio.media.early_404s = 2
    assert b"".join([chunk async for chunk in line.channel.fetch_media(media)]) == b"%PDF" * 99_999
    assert not twilio.media.saw_proof
    twilio.media.early_404s = 99
    with pytest.raises(MediaGone):
        _ = [chunk async for chunk in line.channel.fetch_media(media)]


async def test_a_photo_and_a_voice_note_are_told_apart(line: Line, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.send_photo(nora, b"\xff\xd8", "Rost?")
    photo = await line.latest()
    twilio.send_voice(nora, b"OggS", 4)
    voice = await line.latest()
    assert photo.media
    assert voice.media
    assert (photo.media.kind, photo.text, voice.media.kind) == ("image", "Rost?", "voice")


@pytest.mark.parametrize("text", ["Worum geht es?", "Guten Tag,\n\n*Nora*!\tWorum     geht es?"])
async def test_buttons_and_lists_come_back_as_the_choices_that_were_sent(
    line: Line, twilio: FakeTwilio, nora: Chat, text: str
) -> None:
    for _ in range(2):
        await line.say(text, MENU)
        await line.say(text, LONG_MENU)
    first, second, *_ = nora.from_bot
    assert [row[0]["text"] for row in first.keyboard] == ["Preise", "Termine"]
    assert second.picker
    assert [row["description"] for row in second.picker["rows"]] == [c.description for c in LONG_MENU]
    assert first.text.split() == text.split()
    twilio.tap(nora, first, "Termine")
    assert (await line.latest()).choice == "dates"
    twilio.tap(nora, second, "topic.3")
    assert (await line.latest()).choice == "topic.3"
    assert len(twilio.contents) == 2


async def test_a_menu_that_somebody_deleted_at_twilio_is_made_anew(
    line: Line, twilio: FakeTwilio, nora: Chat
) -> None:
    await line.say("Worum geht es?", MENU)
    twilio.contents.delete(next(iter(twilio.contents)).sid)
    await line.say("Worum geht es?", MENU)
    assert [len(message.keyboard) for message in nora.from_bot] == [2, 2]


async def test_where_no_menu_can_be_made_its_choices_go_as_text(
    line: Line, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.faults.switch_on(
        "no content", Fault(answer=twilio.rate_limited(), methods=frozenset({"create content"}))
    )
    await line.say("Worum geht es?", MENU)
    assert "Preise" in nora.from_bot[0].text
    assert nora.from_bot[0].keyboard == []


async def test_a_file_goes_out_with_its_name_and_caption(line: Line, twilio: FakeTwilio, nora: Chat) -> None:
    headers = {"Content-Type": "image/png", "Content-Disposition": "inline; filename*=UTF-8''R%C3%BCbe.png"}
    line.files["7"] = web.Response(body=b"\x89PNG", headers=headers)
    await line.say("Schauen Sie", media=Media("image", "7", "image/png", "Rübe.png"))
    (message,) = nora.from_bot
    assert (list(message.content), message.text) == (["photo"], "Schauen Sie")


async def test_every_state_is_told_of_the_message_it_belongs_to(
    line: Line, twilio: FakeTwilio, nora: Chat
) -> None:
    sid = await line.say("hi")
    await twilio.until(lambda: len(line.of(DeliveryUpdate)) == 4)

    told, state = line.of(DeliveryUpdate), DeliveryState
    assert [update.state for update in told] == [state.QUEUED, state.SENT, state.DELIVERED, state.READ]
    assert {(update.provider_id, update.message_id) for update in told} == {(sid, 7)}


async def test_a_closed_window_and_a_block_are_told_for_what_they_are(
    line: Line, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.close_window(nora)
    await line.say("zu spät")
    await twilio.until(lambda: len(line.of(DeliveryUpdate)) == 1)
    twilio.block(nora)
    await line.say("nichts")
    await twilio.until(lambda: len(line.of(DeliveryUpdate)) == 2)
    assert [update.error_kind for update in line.of(DeliveryUpdate)] == [
        K.NEEDS_TEMPLATE.value,
        K.BLOCKED.value,
    ]


async def test_a_template_goes_out_when_the_window_is_closed(
    line: Line, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.approve("answer_waiting", "de", "Guten Tag {{1}}, Ihre Antwort liegt bereit.")
    twilio.close_window(nora)
    (template,) = await line.channel.templates()
    assert (template.name, template.language, template.variables) == ("answer_waiting", "de", ("1",))
    await line.say(template=TemplateUse(template.id, {"1": "Nora"}))
    assert [message.text for message in nora.transcript if message.from_bot] == [
        "Guten Tag Nora, Ihre Antwort liegt bereit."
    ]


async def test_a_lost_answer_is_found_in_the_list(
    line: Line, twilio: FakeTwilio, nora: Chat, clock: Clock
) -> None:
    message = OutboundMessage(7, PHONE, "Kommt das an?", choices=tuple(MENU))
    since_ms = int(clock() * 1000)
    await line.say("Worum geht es?", MENU)
    for fault, is_found in ((Fault(cuts=True), False), (Fault(loses_reply=True), True)):
        twilio.faults.plan(fault)
        with pytest.raises(SendError) as caught:
            await line.channel.send(message)
        assert (caught.value.kind, caught.value.maybe_sent) == (K.RETRY_UNKNOWN, True)
        assert bool(await line.channel.look_up(message, since_ms, ())) == is_found


async def test_what_no_webhook_brought_is_caught_up_with_under_the_same_key(
    line: Line, twilio: FakeTwilio, nora: Chat, clock: Clock
) -> None:
    stored: list[Event] = []

    async def store(events: Sequence[Event]) -> None:
        stored.extend(events)

    await line.channel.catch_up(store)
    assert stored == []
    clock.now_s += 60
    twilio.send_photo(nora, b"\xff\xd8", "Rost?")
    twilio.send_contact(nora, "+493023125001", "Tom Muster")
    await twilio.until(lambda: twilio.couriers.under_way == 0)
    clock.now_s += 3600
    await line.channel.catch_up(store)
    brought = {event.dedupe_key for event in line.of(InboundMessage)}
    caught_up = [event for event in stored if isinstance(event, InboundMessage)]
    assert {event.dedupe_key for event in caught_up} == brought
    photo = next(event for event in caught_up if event.text == "Rost?")
    assert photo.media
    assert b"".join([chunk async for chunk in line.channel.fetch_media(photo.media)]) == b"\xff\xd8"


async def test_an_account_without_money_or_licence_is_told(line: Line, twilio: FakeTwilio) -> None:
    assert await line.channel.account_warning() == ""
    assert "active" in await line.channel.check()
    twilio.balance = "1.20"
    assert "1.20 EUR" in await line.channel.account_warning()
    twilio.status = "suspended"
    assert "suspended" in await line.channel.account_warning()


async def test_a_full_provider_pauses_the_channel(line: Line, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.flood_limit.messages_per_s = 1
    await line.say("1")
    with pytest.raises(SendError) as caught:
        await line.say("2")
    assert (caught.value.kind, caught.value.scope) == (K.RETRY_AFTER, "channel")
