"""Whether a form is Twilio's: over which address, by which key, and as Twilio's own library says."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from channels.channel import Channel, ChannelPorts
from channels.errors import WebhookRejected
from channels.http import make_session
from channels.message import DeliveryUpdate
from channels.registry import CHANNEL_KINDS
from channels.twilio_signature import is_genuine, signature, spellings
from tests.channels.contract import DictMemory, make_channel, webhook_request
from tests.channels.twilio_fake import CONFIG, SAMPLES, SHARED_KEY, TOKEN, form_post, message_form


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    async with make_session() as http:
        yield make_channel("twilio-whatsapp", CONFIG, http)


async def test_our_own_id_comes_back_in_the_address_that_the_signature_covers(channel: Channel) -> None:
    form = dict(SAMPLES["status_read"]["form"])
    request = webhook_request(form_post(form, "/webhooks/test/status?message=4711"))
    channel.verify(request)
    [update] = await channel.parse(request)
    assert isinstance(update, DeliveryUpdate)
    assert update.message_id == 4711
    other = webhook_request(form_post(form, "/webhooks/test/status?message=4711"))
    stolen = type(other)(other.method, other.raw_path.replace("4711", "4712"), other.headers, other.body)
    with pytest.raises(WebhookRejected):
        channel.verify(stolen)


async def test_behind_a_proxy_only_the_configured_address_counts() -> None:
    sample = SAMPLES["behind_proxy"]
    async with make_session() as http:
        adapter = CHANNEL_KINDS["twilio-whatsapp"]
        config = adapter.Config.model_validate({"kind": "twilio-whatsapp", **CONFIG})

        def at(base: str) -> Channel:
            return adapter(config, ChannelPorts("whatsapp", http, DictMemory(), f"{base}/webhooks/whatsapp"))

        for base in ("https://gw.example.org/gw", "https://gw.example.org:443/gw"):
            at(base).verify(webhook_request(sample))
        for base in ("https://gw.example.org", "http://10.0.0.5:8080", "http://gw.example.org/gw"):
            with pytest.raises(WebhookRejected):
                at(base).verify(webhook_request(sample))


async def test_both_tokens_are_taken_while_one_is_changed_for_the_other() -> None:
    async with make_session() as http:
        rotating = make_channel(
            "twilio-whatsapp", {**CONFIG, "auth_token": "the-new-one", "previous_auth_token": TOKEN}, http
        )
        for token in ("the-new-one", TOKEN):
            rotating.verify(webhook_request(form_post(message_form(), token=token)))
        with pytest.raises(WebhookRejected):
            rotating.verify(webhook_request(form_post(message_form(), token="the-one-before")))


SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
BY_SHARED_KEY = {SETTINGS: "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}


@pytest.mark.parametrize(
    ("configured", "token", "digest", "headers", "accepted"),
    [
        (SHARED_KEY, SHARED_KEY, "sha256", BY_SHARED_KEY, True),
        (SHARED_KEY, TOKEN, "sha1", {}, True),
        ("", SHARED_KEY, "sha256", BY_SHARED_KEY, False),
        ("", "", "sha256", BY_SHARED_KEY, False),
        (SHARED_KEY, TOKEN, "sha256", BY_SHARED_KEY, False),
        (SHARED_KEY, SHARED_KEY, "sha1", {}, False),
        (SHARED_KEY, SHARED_KEY, "sha1", BY_SHARED_KEY, False),
        (SHARED_KEY, TOKEN, "sha1", {SETTINGS: "algorithm=HMAC_SHA1"}, False),
        (SHARED_KEY, TOKEN, "sha1", {SETTINGS: "none"}, False),
        (SHARED_KEY, SHARED_KEY, "sha256", {SETTINGS: "key=k,algorithm=HMAC_SHA512"}, False),
    ],
)
async def test_no_header_chooses_a_weaker_or_another_key(
    configured: str, token: str, digest: str, headers: dict[str, str], accepted: bool
) -> None:
    request = webhook_request(form_post(message_form(), token=token, digest=digest, headers=headers))
    async with make_session() as http:
        channel = make_channel("twilio-whatsapp", {**CONFIG, "shared_key": configured}, http)
        if accepted:
            channel.verify(request)
            return
        with pytest.raises(WebhookRejected):
            channel.verify(request)


async def test_no_empty_key_signs_anything() -> None:
    """Anybody could compute with it."""
    emptied = {**CONFIG, "previous_auth_token": "", "shared_key": ""}
    async with make_session() as http:
        channel = make_channel("twilio-whatsapp", emptied, http)
        for digest, headers in (("sha1", {}), ("sha256", BY_SHARED_KEY)):
            with pytest.raises(WebhookRejected):
                channel.verify(
                    webhook_request(form_post(message_form(), token="", digest=digest, headers=headers))
                )


async def test_a_form_of_hundreds_of_fields_is_none_of_twilios(channel: Channel) -> None:
    """They would all have to be sorted before anybody knows who sent them."""
    for more, accepted in ((100, True), (300, False)):
        form = {**message_form(), **{f"Field{number}": "x" for number in range(more)}}
        request = webhook_request(form_post(form))
        if accepted:
            channel.verify(request)
            continue
        with pytest.raises(WebhookRejected):
            channel.verify(request)


def encodable(most: int) -> st.SearchStrategy[str]:
    return st.text(max_size=most).map(lambda text: text.encode("utf-8", "ignore").decode())


FIELDS = st.lists(st.tuples(encodable(12), encodable(30)), max_size=12)


BASES = [
    "https://gw.example.org",
    "https://gw.example.org:443/gw",
    "https://gw.example.org:8443",
    "http://gw",
]
QUERIES = st.text("a1=&%2F", max_size=12).map(lambda query: query and f"?{query}")


@given(
    signed=FIELDS,
    sent=FIELDS,
    is_same=st.booleans(),
    algorithm=st.sampled_from([HMAC_SHA1, HMAC_SHA256]),
    bases=st.tuples(st.sampled_from(BASES), st.sampled_from(BASES)),
    spelling=st.sampled_from([0, 1]),
    query=QUERIES,
)
def test_the_verdict_is_the_one_of_twilios_own_library(
    signed: list[tuple[str, str]],
    sent: list[tuple[str, str]],
    is_same: bool,
    algorithm: str,
    bases: tuple[str, str],
    spelling: int,
    query: str,
) -> None:
    """On what was signed, in any order, and on anything else; at whatever address."""
    fields, path = signed[::-1] if is_same else sent, f"/webhooks/whatsapp{query}"
    digest = algorithm.removeprefix("HMAC_").lower()
    proof = signature(TOKEN.encode(), spellings(bases[0])[spelling] + path, signed, digest)
    keys = [b"another", TOKEN.encode()]
    ours = any(is_genuine(proof, keys, base + path, fields, digest) for base in spellings(bases[1]))
    theirs = RequestValidator(TOKEN).validate(bases[1] + path, MultiDict(fields), proof.decode(), algorithm)
    assert ours == theirs
    assert ours or not (is_same and bases[0] == bases[1])
