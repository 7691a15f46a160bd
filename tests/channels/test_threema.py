"""Threema, inbound: who may call, and what becomes of a box before and after its key is known."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import pytest
from nacl.public import PrivateKey

from channels.channel import Channel, WebhookRequest
from channels.errors import SendError, SendErrorKind, Unreadable, WebhookRejected
from channels.http import make_session
from channels.message import (
    DeliveryState,
    DeliveryUpdate,
    Event,
    Identifier,
    InboundMessage,
    MessageDeleted,
    MessageEdited,
    ReactionChanged,
    SealedEvent,
)
from channels.threema_api import ThreemaApi
from channels.threema_box import mac
from channels.threema_peers import MOST_BOXES, Peers
from tests.channels.contract import ChannelContract, DictMemory, Sample, make_channel, webhook_request
from tests.channels.threema_fake import (
    BASIC,
    END_TO_END,
    GATEWAY,
    PEOPLES_BOX,
    PERSON,
    PRIVATE_KEY,
    SAMPLES,
    SECRET,
    FakeThreema,
    callback,
    signed,
)

COVERED = ("from", "to", "messageId", "date", "nonce", "box")


class TestThreemaContract(ChannelContract):
    """What every adapter promises; here the proof is a field of the form."""

    kind = "threema"
    samples = SAMPLES
    config = END_TO_END
    secrets: ClassVar = {"secret": SECRET, "private_key": PRIVATE_KEY}
    without_authenticity: ClassVar = {"gateway_id": GATEWAY, "private_key": PRIVATE_KEY}
    body_is_signed = True

    @staticmethod
    def meaning(body: bytes) -> object:
        """The covered fields and the proof; anything else, such as the nickname, is nobody's word."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return "".join(form.get(name, "") for name in COVERED), form.get("mac", "").lower()

    def without_proof(self, sample: Sample) -> WebhookRequest:
        """The form without its `mac`."""
        form = {name: value for name, value in sample["form"].items() if name != "mac"}
        return webhook_request(sample, body=urlencode(form))

    def with_proof(self, sample: Sample, proof: str) -> WebhookRequest:
        """The form with another `mac`."""
        return webhook_request(
            sample, body=urlencode({**sample["form"], "mac": proof}, errors="surrogatepass")
        )


@pytest.fixture
async def threema() -> AsyncIterator[FakeThreema]:
    """The fake, listening."""
    fake = FakeThreema()
    server = await fake.start()
    yield fake
    await server.close()


@pytest.fixture
async def stranger(threema: FakeThreema) -> AsyncIterator[Channel]:
    """A channel that nobody has written to."""
    async with make_session() as http:
        yield make_channel("threema", {**END_TO_END, "api_url": threema.url}, http)


@pytest.fixture
async def channel(stranger: Channel, threema: FakeThreema) -> Channel:
    """A channel that knows the person of the samples."""
    await stranger.unseal(callback(0x90, b"\1").body)
    threema.calls.clear()
    return stranger


@pytest.mark.parametrize("case", sorted(SAMPLES))
async def test_a_sample_means_what_it_expects(channel: Channel, threema: FakeThreema, case: str) -> None:
    """Each recorded callback becomes the event that its `expect` describes, without a call to Threema."""
    sample = SAMPLES[case]
    expect, request = sample["expect"], webhook_request(sample)
    if expect["auth"] != "ok":
        with pytest.raises(WebhookRejected):
            channel.verify(request)
        return
    channel.verify(request)
    if case == "box_not_decryptable":
        with pytest.raises(Unreadable, match="does not open"):
            await channel.parse(request)
        return
    events = await channel.parse(request)
    assert threema.calls == []
    if expect["kind"] == "ignored":
        assert events == []
        return
    (event,) = events
    check_event(event, sample)


def check_event(event: Event, sample: Sample) -> None:
    """Compare with everything that the sample names."""
    expect, form = sample["expect"], sample["form"]
    key = f"{form['from']}:{form['messageId']}"
    assert event.dedupe_key.startswith(expect.get("dedupe_key", key))
    if isinstance(event, InboundMessage):
        wanted = expect["kind"].removeprefix("message.")
        assert event.kind == ("text" if wanted == "duplicate" else wanted)
        assert event.sender.identifiers == (Identifier("threema", PERSON),)
        assert (event.provider_id, event.sent_at_ms) == (form["messageId"], 1_790_000_000_000)
        assert event.sender.name == form.get("nickname", "")
        check_message(event, expect)
    elif isinstance(event, DeliveryUpdate):
        states = {"delivered": DeliveryState.DELIVERED, "read": DeliveryState.READ}
        assert event.state is states[expect["state"]]
        assert [event.provider_id] == expect["ids"]
    elif isinstance(event, ReactionChanged):
        assert (expect["kind"], event.provider_id, event.emoji) == (
            "reaction",
            expect["target"],
            expect["emoji"],
        )
    elif isinstance(event, MessageEdited):
        assert (expect["kind"], event.provider_id, event.text) == ("edit", expect["target"], expect["text"])
    else:
        assert isinstance(event, MessageDeleted)
        assert (expect["kind"], event.provider_id) == ("delete", expect["target"])


def check_message(event: InboundMessage, expect: dict[str, Any]) -> None:
    """The values that samples name of messages."""
    place = event.location
    actual = {
        "text": event.text,
        "caption": event.text,
        "lat": place and place.latitude,
        "lon": place and place.longitude,
        "name": place and place.name,
    }
    for name, value in actual.items():
        assert value == expect.get(name, value), name


def test_the_proof_is_the_one_of_threemas_own_library() -> None:
    """A vector from its Rust kit."""
    covered = "ECHOECHO*TESTTST" + "0102030405060708" + "1616950936" + "f" * 48 + "012345abcdef"
    expected = b"622b362e8353658ee649a5548acecc9ce9b88384d6b7e08e212446d68455b14e"
    assert mac(b"nevergonnagiveyouup", covered) == expected


@pytest.mark.parametrize("missing", COVERED)
def test_a_proof_over_what_is_left_does_not_replace_a_field(stranger: Channel, missing: str) -> None:
    """Also if whoever signed it left the field out, too."""
    form = {name: value for name, value in SAMPLES["text"]["form"].items() if name not in {missing, "mac"}}
    with pytest.raises(WebhookRejected):
        stranger.verify(signed(form))


def test_another_secrets_proof_is_refused(stranger: Channel) -> None:
    """Right in form, made with something else."""
    form = SAMPLES["text"]["form"]
    covered = "".join(form[name] for name in COVERED).encode()
    forged = hmac.new(b"invSecret0000002", covered, hashlib.sha256).hexdigest()
    with pytest.raises(WebhookRejected):
        stranger.verify(webhook_request(SAMPLES["text"], body=urlencode({**form, "mac": forged})))


async def test_a_message_to_another_gateway_id_is_kept_aside(channel: Channel) -> None:
    """Authentic, because two ids may share a secret, and yet not for this channel."""
    request = callback(0x01, b"hi", to="*TESTGW2")
    channel.verify(request)
    with pytest.raises(Unreadable, match="another gateway id"):
        await channel.parse(request)


@pytest.mark.parametrize(
    ("field", "value"),
    [("messageId", "xyz"), ("date", "yesterday"), ("nonce", "00"), ("box", "0"), ("from_", "../../x")],
)
async def test_an_authentic_callback_with_a_malformed_field_is_kept_aside(
    channel: Channel, field: str, value: str
) -> None:
    """It cannot be read, and repeating it would not help."""
    request = callback(0x01, b"hi", **{field: value})
    channel.verify(request)
    with pytest.raises(Unreadable, match="malformed"):
        await channel.parse(request)


@pytest.mark.parametrize("plaintext", [b"", b"\1", b"\1hi\0", b"\1hi\4", b"\1\2\xff"])
async def test_an_authentic_box_that_is_padded_wrongly_is_kept_aside(
    channel: Channel, plaintext: bytes
) -> None:
    """Its last byte says how much of it is padding: neither nothing, nor the type byte, too."""
    nonce = bytes(24)
    box = PEOPLES_BOX.encrypt(plaintext, nonce).ciphertext.hex()
    with pytest.raises(Unreadable, match="padded wrongly"):
        await channel.parse(callback(0x01, b"hi", nonce=nonce.hex(), box=box))


async def test_a_nickname_is_cleaned_and_never_stops_a_message(channel: Channel) -> None:
    """Nothing vouches for it: it may hold anything, of any length."""
    request = callback(0x01, b"hi", nickname="No\x00ra\u202e \n" + "x" * 500)
    (event,) = await channel.parse(request)
    assert isinstance(event, InboundMessage)
    assert event.sender.name == "Nora " + "x" * 59
    broken = webhook_request(SAMPLES["no_nickname"], body=request.body + b"&nickname=\xff\xfe")
    channel.verify(broken)
    assert await channel.parse(broken)


async def test_a_strangers_message_waits_for_their_key(stranger: Channel, threema: FakeThreema) -> None:
    """It is stored sealed without a call; opened later, it is the message that it would have been."""
    request = webhook_request(SAMPLES["text"])
    (sealed,) = await stranger.parse(request)
    assert sealed == SealedEvent("sealed:TSTUSR01:0000000000000001", "TSTUSR01", request.body)
    assert threema.calls == []
    opened = await stranger.unseal(request.body)
    assert [event.dedupe_key for event in opened] == ["TSTUSR01:0000000000000001"]
    assert await stranger.parse(request) == opened
    assert len(threema.asked("pubkeys")) == 1


async def test_a_key_outlives_the_process(channel: Channel, threema: FakeThreema) -> None:
    """The next one reads its messages at once."""
    adapter = type(channel)
    again = adapter(adapter.Config.model_validate({"kind": "threema", **END_TO_END}), channel.ports)
    (event,) = await again.parse(webhook_request(SAMPLES["text"]))
    assert isinstance(event, InboundMessage)
    assert threema.calls == []


async def test_a_key_that_cannot_be_had_now_is_asked_for_again(
    stranger: Channel, threema: FakeThreema
) -> None:
    """The sealed message waits as long as it takes."""
    threema.answer("pubkeys", {"status": 500, "body": ""}, {"status": 200, "body": "<html>"})
    body = webhook_request(SAMPLES["text"]).body
    for _ in range(2):
        with pytest.raises(SendError) as raised:
            await stranger.unseal(body)
        assert raised.value.kind is SendErrorKind.RETRY_FEW
    assert await stranger.unseal(body)


async def test_a_sender_whom_threema_does_not_know_is_kept_aside(
    stranger: Channel, threema: FakeThreema
) -> None:
    """There is nothing to wait for."""
    threema.keys.clear()
    with pytest.raises(Unreadable):
        await stranger.unseal(webhook_request(SAMPLES["text"]).body)


async def test_a_key_that_protects_nothing_is_not_used(stranger: Channel, threema: FakeThreema) -> None:
    """With all zeros, anybody could read along."""
    threema.keys[PERSON] = "00" * 32
    request = webhook_request(SAMPLES["text"])
    for _ in range(2):
        with pytest.raises(Unreadable):
            await stranger.unseal(request.body)
    with pytest.raises(Unreadable):
        await stranger.parse(request)


async def test_boxes_in_memory_are_bounded() -> None:
    """Whoever writes once does not stay in memory for ever; who writes often does."""
    memory = DictMemory()
    async with make_session() as http:
        peers = Peers(bytes.fromhex(PRIVATE_KEY), ThreemaApi(http, "http://x", GATEWAY, SECRET, memory))
        key = bytes(PrivateKey.generate().public_key).hex()
        memory.values.update({f"key:{number:08}": key for number in range(MOST_BOXES + 1)})
        often, rare = await peers.known("00000000"), await peers.known("00000001")
        for number in range(2, MOST_BOXES + 1):
            await peers.known(f"{number:08}")
            assert await peers.known("00000000") is often
        assert await peers.known("00000001") is not rare


async def test_a_basic_account_believes_no_callback(threema: FakeThreema) -> None:
    """Threema never calls one, so whoever does is somebody else, even with the right proof."""
    async with make_session() as http:
        channel = make_channel("threema", {**BASIC, "api_url": threema.url}, http)
        with pytest.raises(WebhookRejected):
            channel.verify(webhook_request(SAMPLES["text"]))
        with pytest.raises(Unreadable, match="private_key"):
            await channel.unseal(webhook_request(SAMPLES["text"]).body)
