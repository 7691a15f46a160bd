"""WhatsApp through Twilio, inbound: every recorded form, its signature, and what it means."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.channel import Channel
from channels.errors import Unreadable
from channels.http import make_session
from channels.message import (
    DeliveryState,
    DeliveryUpdate,
    Identifier,
    InboundMessage,
    Location,
    Media,
    Sender,
)
from channels.registry import CHANNEL_KINDS
from tests.channels.contract import INHERITED, ChannelContract, make_channel, webhook_request
from tests.channels.twilio_fake import ACCOUNT, CONFIG, SAMPLES, SHARED_KEY, TOKEN, form_post, message_form

NORA = Identifier("phone", "+12025550123")
API = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages"


def media_url(message: int, media: int) -> str:
    return f"{API}/MM{message:032x}/Media/ME{media:032x}"


class TestTwilioContract(ChannelContract):
    """What every adapter promises."""

    kind = "twilio-whatsapp"
    page = "whatsapp-twilio"
    samples: ClassVar = {name: sample for name, sample in SAMPLES.items() if name != "behind_proxy"}
    config = CONFIG
    secrets: ClassVar = {"auth_token": TOKEN, "shared_key": SHARED_KEY}
    without_authenticity: ClassVar = {**CONFIG, "auth_token": ""}
    secret_header = "X-Twilio-Signature"
    body_is_signed = True

    @staticmethod
    def meaning(body: bytes) -> object:
        """The set of fields: neither their order nor the way they are escaped is signed."""
        try:
            return "".join(
                name + value
                for name, value in sorted(set(parse_qsl(body.decode("ascii"), keep_blank_values=True)))
            )
        except ValueError:
            return body


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    async with make_session() as http:
        yield make_channel("twilio-whatsapp", CONFIG, http)


async def events(channel: Channel, case: str) -> list[Any]:
    return list(await channel.parse(webhook_request(SAMPLES[case])))


MEANINGS: dict[str, dict[str, Any]] = {
    "text": {"text": "Hello, is the shop open tomorrow?", "kind": "text"},
    "text_duplicate_retry": {"dedupe_key": f"SM{1:032x}"},
    "stop_keyword": {"text": "STOP", "kind": "text"},
    "sharedkey_sha256": {"text": "signed with a shared key"},
    "behind_proxy": {"text": "via nginx"},
    "image_caption": {
        "kind": "image",
        "text": "my receipt",
        "media": Media("image", media_url(3, 0x1E), "image/jpeg"),
    },
    "voice_note": {"kind": "voice", "text": "", "media": Media("voice", media_url(4, 0x28), "audio/ogg")},
    "document_pdf": {
        "kind": "document",
        "text": "",
        "media": Media("document", media_url(5, 0x32), "application/pdf", "angebot.pdf"),
    },
    "contact_vcard": {
        "kind": "contact",
        "media": Media("document", media_url(7, 0x46), "text/vcard", f"MM{7:032x}.vcf"),
    },
    "location": {
        "kind": "location",
        "location": Location(52.52, 13.405, "Musterladen", "Musterstr. 1, 10115 Berlin"),
    },
    "quick_reply_interactive": {
        "kind": "choice",
        "choice": "menu.yes",
        "text": "Yes",
        "reply_to": f"MM{0x385:032x}",
    },
    "list_reply": {"kind": "choice", "choice": "menu.hours", "reply_to": f"MM{0x386:032x}"},
    "template_button_reply": {"kind": "choice", "choice": "confirm:42", "reply_to": f"MM{0x384:032x}"},
    "phone_and_bsuid": {
        "sender": Sender((NORA, Identifier("bsuid", "US.100000000000000000001")), "Nora Beispiel")
    },
    "bsuid_only": {"sender": Sender((Identifier("bsuid", "DE.100000000000000000002"),), "muster_user")},
}


@pytest.mark.parametrize("case", MEANINGS)
async def test_what_a_person_said_is_understood(channel: Channel, case: str) -> None:
    [said] = await events(channel, case)
    assert isinstance(said, InboundMessage)
    assert {name: getattr(said, name) for name in MEANINGS[case]} == MEANINGS[case]
    assert said.dedupe_key == said.provider_id == dict(SAMPLES[case]["form"])["MessageSid"]
    assert said.sender.identifiers[0] == (MEANINGS[case].get("sender") or Sender((NORA,))).identifiers[0]
    assert said.unsupported == ""


STATES = {
    "status_queued": (DeliveryState.QUEUED, "", ""),
    "status_sent": (DeliveryState.SENT, "", ""),
    "status_delivered": (DeliveryState.DELIVERED, "", ""),
    "status_delivered_after_read": (DeliveryState.DELIVERED, "", ""),
    "status_read": (DeliveryState.READ, "", ""),
    "status_failed_63018": (DeliveryState.FAILED, "63018", "retry_after"),
    "status_failed_63024": (DeliveryState.FAILED, "63024", "permanent_recipient"),
    "status_failed_no_code": (DeliveryState.FAILED, "", ""),
    "status_undelivered_63016": (DeliveryState.FAILED, "63016", "needs_template"),
}


@pytest.mark.parametrize("case", STATES)
async def test_what_became_of_a_message_is_understood(channel: Channel, case: str) -> None:
    [update] = await events(channel, case)
    assert isinstance(update, DeliveryUpdate)
    assert (update.state, update.error_code, update.error_kind) == STATES[case]
    assert update.provider_id == dict(SAMPLES[case]["form"])["MessageSid"]
    assert update.message_id is None, "the samples' address names another system's id"


def test_every_genuine_sample_has_its_meaning_told() -> None:
    genuine = {name for name, sample in SAMPLES.items() if sample["expect"]["auth"] == "ok"}
    assert genuine == MEANINGS.keys() | STATES.keys()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AccountSid": f"AC{2:032x}"}, "another account"),
        ({"To": "whatsapp:+12025550199"}, "another sender"),
        ({"From": "+12025550123"}, "no WhatsApp address"),
        ({"From": "whatsapp:nobody"}, "no WhatsApp address"),
        ({"MessageSid": ""}, "without MessageSid"),
        ({"Latitude": "north", "Longitude": "8"}, "without coordinates"),
        ({"Latitude": "91", "Longitude": "8"}, "nowhere on earth"),
        ({"Latitude": "nan", "Longitude": "8"}, "nowhere on earth"),
    ],
)
async def test_what_makes_no_sense_is_put_aside(
    channel: Channel, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(Unreadable, match=reason):
        await channel.parse(webhook_request(form_post(message_form(**changes))))


async def test_an_advertisement_and_a_forwarded_message_keep_their_words_and_their_origin(
    channel: Channel,
) -> None:
    form = message_form(ReferralSourceId="ad-1", ReferralHeadline="Saatgut 2027", Forwarded="true")
    [said] = await channel.parse(webhook_request(form_post(form)))
    assert isinstance(said, InboundMessage)
    assert said.text == "Hello, is the shop open tomorrow?"
    assert said.context == {"ad": "ad-1", "ad_headline": "Saatgut 2027", "forwarded": "true"}


@pytest.mark.parametrize("field", ["ExternalUserId", "ParentExternalUserId", "WaId"])
async def test_a_name_that_makes_no_sense_costs_nobody_their_message(channel: Channel, field: str) -> None:
    """They are known by the others."""
    [said] = await channel.parse(webhook_request(form_post(message_form(**{field: "whatsapp:?"}))))
    assert isinstance(said, InboundMessage)
    assert said.sender.identifiers == (NORA,)


async def test_all_names_of_a_person_are_kept_and_a_number_is_what_we_answer_to(channel: Channel) -> None:
    """Also where it is only beside the name under which they wrote; and Mexico spells its numbers twice."""
    names = {"From": "whatsapp:MX.1", "ParentExternalUserId": "whatsapp:MX.ENT.2", "WaId": "15550100001"}
    [hidden] = await channel.parse(webhook_request(form_post(message_form(**names))))
    form = message_form(From="whatsapp:+5215550100001", WaId="525550100001")
    [mexican] = await channel.parse(webhook_request(form_post(form)))
    assert isinstance(hidden, InboundMessage)
    assert isinstance(mexican, InboundMessage)
    numbers = [Identifier("phone", number) for number in ("+15550100001", "+5215550100001", "+525550100001")]
    ids = (Identifier("bsuid", "MX.1"), Identifier("bsuid", "MX.ENT.2"))
    assert hidden.sender.identifiers == (numbers[0], *ids)
    assert mexican.sender.identifiers == (numbers[1], numbers[2])


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/webp", "sticker"),
        ("video/mp4", "video"),
        ("audio/mpeg", "audio"),
        ("audio/ogg; codecs=opus", "voice"),
        ("application/zip", "document"),
        ("", "document"),
    ],
)
async def test_a_file_is_what_its_content_type_says(channel: Channel, content_type: str, kind: str) -> None:
    """Twilio has no word for voice notes and stickers."""
    form = message_form(Body="", MediaUrl0=media_url(3, 1), MediaContentType0=content_type, NumMedia="1")
    [said] = await channel.parse(webhook_request(form_post(form)))
    assert isinstance(said, InboundMessage)
    assert said.kind == kind


@pytest.mark.parametrize(
    ("body", "text", "name"),
    [
        ("Lieferplan Müller.PDF", "", "Lieferplan Müller.PDF"),
        ("Bitte an info@hof.example", "Bitte an info@hof.example", ""),
        ("Steht alles auf www.hof.de", "Steht alles auf www.hof.de", ""),
        ("siehe\nplan.pdf", "siehe\nplan.pdf", ""),
        ("../plan.pdf", "../plan.pdf", ""),
    ],
)
async def test_what_somebody_says_of_a_document_is_not_taken_for_its_name(
    channel: Channel, body: str, text: str, name: str
) -> None:
    """Twilio puts either into the text."""
    form = message_form(Body=body, MediaUrl0=media_url(3, 1), MediaContentType0="application/pdf")
    [said] = await channel.parse(webhook_request(form_post(form)))
    assert isinstance(said, InboundMessage)
    assert said.media
    assert (said.text, said.media.file_name) == (text, name)


async def test_a_report_must_name_its_message_for_it_would_be_taken_for_a_copy_of_another(
    channel: Channel,
) -> None:
    form = {**dict(SAMPLES["status_read"]["form"]), "MessageSid": ""}
    with pytest.raises(Unreadable, match="without MessageSid"):
        await channel.parse(webhook_request(form_post(form, "/webhooks/test/status?message=4711")))


async def test_a_content_that_nobody_knows_gets_an_answer(channel: Channel) -> None:
    [said] = await channel.parse(webhook_request(form_post(message_form(Body=" ", MessageType="order"))))
    assert isinstance(said, InboundMessage)
    assert (said.kind, said.unsupported) == ("unsupported", "order")


async def test_a_code_beside_a_success_is_no_failure(channel: Channel) -> None:
    form = {**dict(SAMPLES["status_read"]["form"]), "ErrorCode": "63018"}
    [update] = await channel.parse(webhook_request(form_post(form)))
    assert isinstance(update, DeliveryUpdate)
    assert (update.state, update.error_code, update.error_kind) == (DeliveryState.READ, "63018", "")


async def test_an_unknown_state_is_no_error(channel: Channel) -> None:
    form = {**dict(SAMPLES["status_read"]["form"]), "MessageStatus": "teleported"}
    assert await channel.parse(webhook_request(form_post(form))) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"account_sid": "AC1"}, "no sid"),
        ({"account_sid": ""}, "AC and 32"),
        ({"account_sid": f"SK{1:032x}"}, "AC and 32"),
        ({"messaging_service_sid": ACCOUNT}, "MG and 32"),
        ({"sender": "+14155238886"}, "whatsapp:"),
        ({"sender": ""}, "sender is missing"),
        ({"api_key_sid": f"SK{1:032x}"}, "only work together"),
        ({"list_button": "x" * 21}, "1 to 20"),
        ({"api_url": "ftp://x"}, "not a web address"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(changes: dict[str, str], words: str) -> None:
    config = {"kind": "twilio-whatsapp", **CONFIG, **changes}
    with pytest.raises(ValueError, match=words):
        CHANNEL_KINDS["twilio-whatsapp"].Config.model_validate(config)


async def test_the_answer_to_a_webhook_is_empty_twiml(channel: Channel) -> None:
    assert channel.acknowledgement == b"<Response/>"
    assert channel.acknowledgement_type == "text/xml"


NAMES = sorted({name for sample in SAMPLES.values() for name, _ in sample["form"]} | {"\0"})
odd = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["", "\0", "\ud800", "NaN", "-1", "9" * 400, "null", "whatsapp:", "read", "failed"]),
)


@settings(max_examples=300, suppress_health_check=INHERITED)
@given(
    changes=st.dictionaries(st.sampled_from([*NAMES, "MessageStatus", "ErrorCode", "\0"]), odd, max_size=8)
)
async def test_no_signed_form_crashes_however_odd_it_is(channel: Channel, changes: dict[str, str]) -> None:
    """S2."""
    sample = SAMPLES["status_read" if "MessageStatus" in changes else "location"]
    form = {**dict(sample["form"]), **changes}
    body = urlencode({name: value.encode("utf-8", "replace") for name, value in form.items()})
    with contextlib.suppress(Unreadable):
        await channel.parse(webhook_request({**sample, "request": {**sample["request"], "body": body}}))
