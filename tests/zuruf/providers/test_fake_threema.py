"""The fake Threema takes and refuses what the real gateway does, and shows people what they would read."""

import json
import secrets
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.channels.contract import load_answers
from tests.zuruf.providers.threema_gateway import (
    FILE,
    GATEWAY,
    NORA,
    PROOF,
    PUBLIC_KEY,
    RECEIPT,
    TEXT,
    TOM,
    TYPING,
    Gateway,
    make_fake,
)
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.faults import Answer, Fault
from zuruf.demo.providers.threema import FakeThreema

ANSWERS = load_answers("threema")
BIG_BYTES = 3 * 1024 * 1024


@pytest.fixture
async def threema() -> AsyncIterator[FakeThreema]:
    async with make_fake() as provider:
        yield provider


@pytest.fixture
def gateway(threema: FakeThreema, session: aiohttp.ClientSession) -> Gateway:
    return Gateway(threema, session)


@pytest.fixture
def nora(threema: FakeThreema) -> Chat:
    return threema.chat(NORA, "Nora Beispiel", "+493023125001", "Nora@Example.org ")


async def test_a_text_is_read_with_its_marks_as_they_came(gateway: Gateway, nora: Chat) -> None:
    status, message_id = await gateway.send(NORA, TEXT, "*fett* _kursiv_ ~weg~ Grüße 😀\nZeile".encode())
    (message,) = nora.transcript
    assert (status, message_id) == (200, f"{message.message_id:016x}")
    assert message.text == "*fett* _kursiv_ ~weg~ Grüße 😀\nZeile"
    assert message.from_bot


@pytest.mark.parametrize(
    ("content_type", "rendering", "kind"),
    [
        ("image/jpeg", 1, "photo"),
        ("image/jpeg", 0, "document"),
        ("image/webp", 2, "photo"),
        ("video/mp4", 1, "video"),
        ("audio/mp4", 1, "voice"),
        ("audio/mpeg", 0, "document"),
        ("application/pdf", 0, "document"),
    ],
)
async def test_a_file_is_fetched_opened_and_shown_as_its_kind(
    gateway: Gateway, threema: FakeThreema, nora: Chat, content_type: str, rendering: int, kind: str
) -> None:
    told = {"m": content_type, "n": "Größe.bin", "d": "Schauen Sie", "j": rendering, "x": {"d": 3.2}}
    status, _ = await gateway.send_file(NORA, b"the content", **told)
    (message,) = nora.transcript
    assert (status, message.text, list(message.content)) == (200, "Schauen Sie", [kind])
    shown = message.content[kind][-1] if kind == "photo" else message.content[kind]
    stored = threema.files.by_id(shown["file_id"])
    assert stored is not None
    assert (stored.upload.content, stored.upload.content_type) == (b"the content", content_type)
    assert shown.get("duration", 3) == 3
    assert len(threema.blobs) == 0


@pytest.mark.parametrize(
    ("kind", "payload", "padding"),
    [
        (TEXT, b"\xff\xfe", b"\x20" * 32),
        (TEXT, b"padded wrongly", b"\x01\x02\x03"),
        (TEXT, b"not padded", b"\x00"),
        (FILE, b"{", b"\x20" * 32),
        (FILE, json.dumps({"b": "0" * 32, "k": "0" * 64, "m": "image/png"}).encode(), b"\x20" * 32),
        (FILE, json.dumps({"b": "0" * 32, "k": "no key", "m": "image/png"}).encode(), b"\x20" * 32),
        (0x77, b"of a type that nobody knows", b"\x20" * 32),
    ],
)
async def test_what_no_phone_can_read_is_accepted_and_never_shown(
    gateway: Gateway, nora: Chat, threema: FakeThreema, kind: int, payload: bytes, padding: bytes
) -> None:
    assert (await gateway.send(NORA, kind, payload, padding))[0] == 200
    assert (nora.transcript, len(nora.from_bot)) == ([], 1)
    assert threema.credits == 9_999


async def test_a_box_for_somebody_else_is_accepted_and_never_shown(gateway: Gateway, nora: Chat) -> None:
    fields = {"to": NORA, "nonce": secrets.token_hex(24), "box": secrets.token_hex(100)}
    assert (await gateway.post("/send_e2e", **fields))[0] == 200
    assert nora.transcript == []


async def test_receipts_and_typing_of_the_bot_are_no_bubbles(gateway: Gateway, nora: Chat) -> None:
    answers = [await gateway.send(NORA, RECEIPT, b"\x02" + bytes(8)), await gateway.send(NORA, TYPING, b"\1")]
    assert {status for status, _ in answers} == {200}
    assert len({message_id for _, message_id in answers}) == 2
    assert nora.from_bot == []


@pytest.mark.parametrize(
    "changes", [{"secret": "wrong"}, {"from": "*OTHERGW"}, {"secret": "ü\ud800"}, {"from": "", "secret": ""}]
)
async def test_without_the_secret_nothing_is_answered(
    session: aiohttp.ClientSession, threema: FakeThreema, changes: dict[str, str]
) -> None:
    threema.chat(NORA)
    fields = {name: value.encode("utf-8", "replace").decode() for name, value in {**PROOF, **changes}.items()}
    for path in ("credits", f"pubkeys/{NORA}", "lookup/phone/1", "blobs/1", "nonsense"):
        async with session.get(f"{threema.url}/{path}", params=fields) as answer:
            assert (answer.status, await answer.text()) == (401, "")
    for path in ("send_e2e", "send_simple", "upload_blob"):
        async with session.post(f"{threema.url}/{path}", data=fields) as answer:
            assert answer.status == 401
    assert threema.credits == 10_000


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"to": "NOBODY01"}, 400),
        ({"to": ""}, 400),
        ({"nonce": "ab"}, 400),
        ({"nonce": "no hexadecimal digits"}, 400),
        ({"box": ""}, 400),
        ({"box": "abc"}, 400),
        ({"box": "00" * 7812}, 200),
        ({"box": "00" * 7813}, 413),
    ],
)
async def test_a_sealed_message_is_checked_as_far_as_threema_can_see_it(
    gateway: Gateway, nora: Chat, threema: FakeThreema, changes: dict[str, str], status: int
) -> None:
    fields = {"to": NORA, "nonce": "00" * 24, "box": "00" * 64, **changes}
    assert (await gateway.post("/send_e2e", **fields))[0] == status
    assert threema.credits == 10_000 - (status == 200)


async def test_a_text_has_at_most_3500_bytes(gateway: Gateway, nora: Chat, threema: FakeThreema) -> None:
    assert (await gateway.send(NORA, TEXT, "ü".encode() * 1750))[0] == 200
    assert (await gateway.send(NORA, TEXT, "ü".encode() * 1750 + b"x"))[0] == 413
    assert len(nora.from_bot) == 1
    assert threema.credits == 9_999


async def test_messages_and_uploads_cost_a_credit_each_until_none_is_left(
    gateway: Gateway, nora: Chat, threema: FakeThreema
) -> None:
    threema.credits = 3
    await gateway.send_file(NORA, b"x", m="image/png", j=1)
    assert await gateway.get("/credits") == (200, "1")
    assert (await gateway.send(NORA, TEXT, b"the last"))[0] == 200
    assert (await gateway.send(NORA, TEXT, b"too many"))[0] == 402
    assert (await gateway.upload(b"x"))[0] == 402
    assert await gateway.get("/credits") == (200, "0")
    assert [message.text for message in nora.transcript] == ["", "the last"]


async def test_a_blob_can_be_downloaded_once_unless_it_was_left_to_stay(gateway: Gateway) -> None:
    _, once = await gateway.upload(b"once")
    _, stays = await gateway.upload(b"stays", persist="1")
    assert (len(once), len(stays), once != stays) == (32, 32, True)
    assert [await gateway.download(once) for _ in range(2)] == [(200, b"once"), (404, b"")]
    assert [await gateway.download(stays) for _ in range(2)] == [(200, b"stays")] * 2


async def test_a_blob_may_be_big_but_not_of_any_size(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, threema: FakeThreema
) -> None:
    big = secrets.token_bytes(BIG_BYTES)
    _, blob_id = await gateway.upload(big)
    assert await gateway.download(blob_id) == (200, big)
    monkeypatch.setattr("zuruf.demo.providers.threema.rules.MOST_BLOB_BYTES", BIG_BYTES - 1)
    assert (await gateway.upload(big))[0] == 413
    assert threema.credits == 9_999


async def test_an_upload_without_a_blob_is_refused(gateway: Gateway, threema: FakeThreema) -> None:
    assert (await gateway.post("/upload_blob"))[0] == 400
    form = aiohttp.FormData({"other": "x"}, default_to_multipart=True)
    async with gateway.session.post(f"{threema.url}/upload_blob", params=PROOF, data=form) as answer:
        assert answer.status == 400
    assert threema.credits == 10_000


async def test_keys_and_capabilities_are_told_of_who_is_there(
    gateway: Gateway, nora: Chat, threema: FakeThreema
) -> None:
    assert await gateway.get(f"/pubkeys/{GATEWAY}") == (200, PUBLIC_KEY)
    assert await gateway.get(f"/pubkeys/{NORA}") == (200, threema.phones[nora.chat_id].public_key.hex())
    assert "file" in (await gateway.get(f"/capabilities/{NORA}"))[1].split(",")
    threema.phones[nora.chat_id].can = "text,image"
    assert await gateway.get(f"/capabilities/{NORA}") == (200, "text,image")
    for path in (f"/pubkeys/{TOM}", f"/capabilities/{TOM}", "/nonsense", "/"):
        assert await gateway.get(path) == (404, "")


@pytest.mark.parametrize(
    ("path", "is_found"),
    [
        ("phone/493023125001", True),
        ("email/nora@example.org", True),
        ("email/NORA@example.org", True),
        ("phone_hash/83a42eb74110f6244517b47e057dc1b998188c719bfdfb80cfeb599ae2e5fbf3", True),
        ("email_hash/68985f5ce1cd5bf67e3db6cd35cfded15397e5dbd20d88f9c35c38da40771657", True),
        ("email_hash/83a42eb74110f6244517b47e057dc1b998188c719bfdfb80cfeb599ae2e5fbf3", False),
        ("phone/493023125002", False),
        ("email/nora@example.com", False),
        (f"id/{NORA}", False),
        ("phone", False),
    ],
)
async def test_a_person_is_found_by_what_they_linked(
    gateway: Gateway, nora: Chat, path: str, is_found: bool
) -> None:
    assert await gateway.get(f"/lookup/{path}") == ((200, NORA) if is_found else (404, ""))


async def test_only_reading_calls_are_made_by_get(gateway: Gateway, nora: Chat) -> None:
    for path in ("/send_e2e", "/send_simple", "/upload_blob"):
        assert (await gateway.get(path))[0] == 404
    for path in ("/credits", f"/pubkeys/{NORA}"):
        assert (await gateway.post(path))[0] == 404


async def test_a_basic_account_sends_text_to_an_id_a_number_or_an_address(
    session: aiohttp.ClientSession,
) -> None:
    async with make_fake(mode="basic") as threema:
        gateway, nora = Gateway(threema, session), threema.chat(NORA, "Nora", "493023125001", "n@example.org")
        for way in ({"to": NORA}, {"phone": "493023125001"}, {"email": "n@example.org"}):
            status, message_id = await gateway.post("/send_simple", text=f"Grüße {next(iter(way))}", **way)
            assert (status, len(message_id)) == (200, 16)
        assert [message.text for message in nora.transcript] == ["Grüße to", "Grüße phone", "Grüße email"]
        for fields, refused in (
            ({"to": NORA}, 400),
            ({"text": "x"}, 400),
            ({"text": "x", "to": NORA, "email": "n@example.org"}, 400),
            ({"text": "x", "phone": "493023125002"}, 400),
            ({"text": "ü" * 1751, "to": NORA}, 413),
        ):
            assert (await gateway.post("/send_simple", **fields))[0] == refused
        assert (await gateway.send(NORA, TEXT, b"sealed"))[0] == 400
        assert threema.credits == 9_997


async def test_an_end_to_end_account_sends_nothing_by_the_basic_call(gateway: Gateway, nora: Chat) -> None:
    assert (await gateway.post("/send_simple", to=NORA, text="x"))[0] == 400
    assert nora.from_bot == []


async def test_too_many_messages_are_refused_and_cost_nothing(
    gateway: Gateway, nora: Chat, threema: FakeThreema
) -> None:
    threema.flood_limit.messages_per_chat_s = 1
    assert (await gateway.send(NORA, TEXT, b"one"))[0] == 200
    assert (await gateway.send(NORA, TEXT, b"two"))[0] == 429
    assert threema.credits == 9_999


async def test_faults_befall_the_calls_that_they_are_meant_for(
    gateway: Gateway, nora: Chat, threema: FakeThreema
) -> None:
    threema.faults.plan(Fault(answer=threema.rate_limited(), methods=threema.sending))
    assert (await gateway.get("/credits"))[0] == 200
    assert await gateway.send(NORA, TEXT, b"later") == (429, "")
    threema.faults.plan(Fault(loses_reply=True, methods=threema.sending))
    with pytest.raises(aiohttp.ClientConnectionError):
        await gateway.send(NORA, TEXT, b"unclear")
    assert [message.text for message in nora.transcript] == ["unclear"]
    assert (threema.calls["send_e2e", 429], threema.calls["send_e2e", 0]) == (1, 1)


@pytest.mark.parametrize("name", sorted(ANSWERS))
async def test_every_recorded_answer_can_be_given(
    gateway: Gateway, nora: Chat, threema: FakeThreema, name: str
) -> None:
    threema.faults.plan(Fault(answer=Answer.from_sample(ANSWERS[name]), methods=threema.sending))
    answer = await gateway.send(NORA, TEXT, b"x")
    assert answer == (ANSWERS[name]["status"], ANSWERS[name]["body"])


@pytest.mark.parametrize(
    ("name", "provoke"),
    [
        ("bad_recipient_or_mode", {"to": "NOBODY01", "nonce": "00" * 24, "box": "00" * 64}),
        ("bad_credentials", {"secret": "wrong"}),
        ("too_long", {"to": NORA, "nonce": "00" * 24, "box": "00" * 8000}),
    ],
)
async def test_what_the_fake_answers_by_itself_is_what_was_recorded(
    session: aiohttp.ClientSession, nora: Chat, threema: FakeThreema, name: str, provoke: dict[str, str]
) -> None:
    async with session.post(f"{threema.url}/send_e2e", data={**PROOF, **provoke}) as answer:
        recorded = ANSWERS[name]
        assert (answer.status, await answer.text()) == (recorded["status"], recorded["body"])
        assert answer.content_type == recorded["headers"]["Content-Type"]
