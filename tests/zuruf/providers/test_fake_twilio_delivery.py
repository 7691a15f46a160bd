"""The fake Twilio brings messages and files as WhatsApp would, and reports what became of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.zuruf.providers.twilio_gateway import SAMPLES, Clock, Gateway, greeted, reported, talking
from zuruf.demo.providers.chats import Chat, ChatMessage
from zuruf.demo.providers.twilio import FakeTwilio
from zuruf.demo.providers.twilio.sending import MOST_IMAGE_BYTES

DAY_S = 24 * 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(clock: Clock) -> AsyncIterator[Gateway]:
    async with talking(clock) as opened:
        yield opened


@pytest.fixture
def twilio(gateway: Gateway) -> FakeTwilio:
    return gateway.provider


@pytest.fixture
async def nora(gateway: Gateway) -> Chat:
    return await greeted(gateway)


async def test_every_step_is_reported_as_recorded(gateway: Gateway, nora: Chat) -> None:
    steps = ("queued", "sent", "delivered", "read")
    _, created = await gateway.send(Body="hi")
    assert await reported(gateway, 4) == list(steps)
    assert {told.url for told in gateway.heard} == {f"{gateway.url}/webhooks/whatsapp/status?message=7"}
    for step, told in zip(steps, gateway.heard, strict=True):
        recorded = dict(SAMPLES[f"status_{step}"]["form"])
        assert told.form == {**recorded, "MessageSid": created["sid"], "SmsSid": created["sid"]}
    assert nora.from_bot[0].state == "read"
    assert (await gateway.get(created["uri"]))[1]["status"] == "read"


async def test_people_may_leave_a_message_unread(gateway: Gateway, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.reports.people_read = False
    await gateway.send(Body="hi")
    assert await reported(gateway, 3) == ["queued", "sent", "delivered"]
    twilio.read(nora)
    twilio.read(nora)
    assert (await reported(gateway, 4))[3:] == ["read"]


async def test_benchmarks_do_without_reports(gateway: Gateway, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.reports.are_sent = False
    _, created = await gateway.send(Body="hi")
    assert (await gateway.get(created["uri"]))[1]["status"] == "queued"
    assert (gateway.heard, twilio.couriers.under_way) == ([], 0)


async def test_late_reports_come_backwards_then_again_and_without_the_reason(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.late = True
    await gateway.send(Body="hi")
    forwards = ["queued", "sent", "delivered", "read"]
    assert await reported(gateway, 8) == [*reversed(forwards), *forwards]
    gateway.heard.clear()
    twilio.close_window(nora)
    await gateway.send(Body="hi")
    await reported(gateway, 2)
    assert [told.form.get("ErrorCode") for told in gateway.heard] == ["63016", None]


async def test_outside_the_24_hours_only_templates_arrive(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat, clock: Clock
) -> None:
    template = twilio.approve("waiting", "de", "Ihre Antwort liegt bereit.")
    clock.now_s += DAY_S - 1
    assert (await gateway.send(Body="noch offen", StatusCallback=""))[0] == 201
    clock.now_s += 1
    status, created = await gateway.send(Body="zu spät")
    assert (status, created["status"], created["error_code"]) == (201, "queued", None)
    await reported(gateway)
    told, recorded = gateway.heard[0].form, dict(SAMPLES["status_undelivered_63016"]["form"])
    assert recorded.keys() - told.keys() == {"ChannelStatusMessage"}
    assert told == {**told, **{name: recorded[name] for name in told.keys() - {"MessageSid", "SmsSid"}}}
    listed = (await gateway.get(created["uri"]))[1]
    assert (listed["status"], listed["error_code"]) == ("undelivered", 63016)
    assert (await gateway.send(ContentSid=template.sid, StatusCallback=""))[0] == 201
    twilio.say(nora, "Da bin ich wieder")
    await gateway.send(Body="offen", StatusCallback="")
    shown = [message.text for message in nora.transcript if message.from_bot]
    assert shown == ["noch offen", "Ihre Antwort liegt bereit.", "offen"]


async def test_a_window_closes_when_told(gateway: Gateway, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.close_window(nora)
    await gateway.send(Body="zu spät")
    assert await reported(gateway) == ["undelivered"]


async def test_who_blocked_gets_nothing_until_they_write_again(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.block(nora)
    _, created = await gateway.send(Body="hi")
    assert await reported(gateway) == ["failed"]
    assert (gateway.heard[0].form["ErrorCode"], nora.from_bot[0].state) == ("63014", "failed")
    assert (await gateway.get(created["uri"]))[1]["status"] == "failed"
    twilio.say(nora, "wieder da")
    await gateway.send(Body="Willkommen", StatusCallback="")
    assert [message.text for message in nora.transcript if message.from_bot] == ["Willkommen"]


def handed_out(
    gateway: Gateway, content: bytes, content_type: str, name: str = "x.bin", status: int = 200
) -> str:
    """The address of a file at the gateway."""
    headers = {"Content-Type": content_type, "Content-Disposition": f"inline; filename*=UTF-8''{name}"}
    gateway.files["file"] = web.Response(status=status, body=content, headers=headers)
    return f"{gateway.url}/media/file"


@pytest.mark.parametrize(
    ("content_type", "kind", "caption"),
    [
        ("image/png", "photo", "Schauen Sie"),
        ("video/mp4", "video", "Schauen Sie"),
        ("audio/ogg", "voice", ""),
        ("audio/mpeg", "audio", ""),
        ("application/pdf", "document", ""),
    ],
)
async def test_a_file_is_looked_at_fetched_and_shown_with_a_caption_where_whatsapp_has_one(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat, content_type: str, kind: str, caption: str
) -> None:
    url = handed_out(gateway, b"the content", content_type, "R%C3%BCbe.bin")
    status, created = await gateway.send(Body="Schauen Sie", MediaUrl=url, StatusCallback="")
    assert (status, created["sid"][:2], created["num_media"]) == (201, "MM", "1")
    assert gateway.asked_for == ["HEAD", "GET"]
    (message,) = nora.from_bot
    assert (list(message.content), message.text) == ([kind], caption)
    stored = _stored(twilio, message, kind)
    assert (stored.content, stored.content_type, stored.file_name) == (
        b"the content",
        content_type,
        "Rübe.bin",
    )


def _stored(twilio: FakeTwilio, message: ChatMessage, kind: str) -> Any:
    shown = message.content[kind]
    stored = twilio.files.by_id((shown[-1] if kind == "photo" else shown)["file_id"])
    assert stored
    return stored.upload


async def test_a_big_file_arrives_whole(gateway: Gateway, twilio: FakeTwilio, nora: Chat) -> None:
    content = b"%PDF" * MOST_IMAGE_BYTES
    await gateway.send(MediaUrl=handed_out(gateway, content[: 3 << 22], "application/pdf"), StatusCallback="")
    assert _stored(twilio, nora.from_bot[0], "document").content == content[: 3 << 22]


@pytest.mark.parametrize(
    ("content_type", "size", "status", "code"),
    [
        ("image/png", 1, 404, "63019"),
        ("image/png", MOST_IMAGE_BYTES + 1, 200, "63021"),
        ("application/octet-stream", 1, 200, "63021"),
        ("text/html", 1, 200, "63021"),
    ],
)
async def test_a_file_that_cannot_be_brought_is_reported_later(
    gateway: Gateway, nora: Chat, content_type: str, size: int, status: int, code: str
) -> None:
    url = handed_out(gateway, bytes(size), content_type, status=status)
    assert (await gateway.send(MediaUrl=url))[0] == 201
    assert await reported(gateway) == ["undelivered"]
    assert (gateway.heard[0].form["ErrorCode"], gateway.asked_for) == (code, ["HEAD"])
    assert len(nora.transcript) == 1


async def test_a_file_of_a_gateway_that_is_gone_is_reported_later(gateway: Gateway, nora: Chat) -> None:
    assert (await gateway.send(MediaUrl="http://127.0.0.1:1/media/x"))[0] == 201
    assert await reported(gateway) == ["undelivered"]
    assert gateway.heard[0].form["ErrorCode"] == "63019"


async def test_a_place_is_shown_as_a_pin(gateway: Gateway, nora: Chat) -> None:
    await gateway.send(PersistentAction="geo:52.52,13.405|Hof", StatusCallback="")
    assert nora.from_bot[0].content == {"location": {"latitude": 52.52, "longitude": 13.405, "title": "Hof"}}
