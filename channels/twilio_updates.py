"""What Twilio's form posts mean: each becomes the events that every channel shares."""

import re
from collections.abc import Mapping
from contextlib import suppress

import structlog

from channels.errors import Unreadable
from channels.message import (
    ContactCard,
    DeliveryState,
    DeliveryUpdate,
    Event,
    Identifier,
    InboundMessage,
    Location,
    Media,
    MediaKind,
    Sender,
)
from channels.twilio_errors import reported_kind

log = structlog.get_logger(__name__)

Form = Mapping[str, str]
PREFIX = "whatsapp:"
PHONE, BUSINESS_ID = "phone", "bsuid"
_ADDRESS = re.compile(r"whatsapp:(?:(\+[0-9]{5,20})|([A-Z]{2}\.[A-Za-z0-9.]{1,140}))")
# Known endings alone: "write to info@example.org" beside a file is a caption, and must be heard.
_FILE_NAME = re.compile(
    r"[^\n/\\]{1,200}\.(pdf|docx?|xls[xm]?|pptx?|od[tspg]|rtf|txt|csv|json|xml|html?|zip|rar|7z|gz|eml|ics"
    r"|jpe?g|png|gif|heic|webp|tiff?|svg|bmp|mp[34]|m4a|wav|mov|avi|kml|kmz|gpx|geojson|shp|dwg|dxf)",
    re.IGNORECASE,
)
_KINDS: Mapping[str, MediaKind] = {"image": "image", "video": "video", "audio": "audio"}
_VOICE = {"audio/ogg", "audio/opus", "audio/amr"}  # what phones record; music comes as MPEG or AAC
_CARDS = {"text/vcard", "text/x-vcard", "text/directory"}
# Said of a message beside its content: that it was passed on, or began at an advertisement.
_ASIDE = {
    "Forwarded": "forwarded",
    "FrequentlyForwarded": "frequently_forwarded",
    "ReferralSourceType": "ad_kind",
    "ReferralSourceId": "ad",
    "ReferralSourceUrl": "ad_url",
    "ReferralHeadline": "ad_headline",
    "ReferralBody": "ad_text",
    "ReferralMediaUrl": "ad_media",
    "ReferralCtwaClid": "ad_click",
    "OptOutType": "opt_out_type",
}
_STATES = {
    "accepted": DeliveryState.ACCEPTED,
    "scheduled": DeliveryState.ACCEPTED,
    "queued": DeliveryState.QUEUED,
    "sending": DeliveryState.ACCEPTED,
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "partially_delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "failed": DeliveryState.FAILED,
    "undelivered": DeliveryState.FAILED,
    "canceled": DeliveryState.FAILED,
}


def status(form: Form, query: Mapping[str, str]) -> list[Event]:
    """How far a message of ours got; `query` holds our own id of it, as we wrote it into the address."""
    word, code, sid = form["MessageStatus"], form.get("ErrorCode", "")[:20], form.get("MessageSid", "")
    state = _STATES.get(word)
    if state is None:
        log.warning("twilio.unknown_status", status=word[:40])
        return []
    if not sid:  # two messages' reports would be taken for one
        raise Unreadable("a delivery report without MessageSid")
    ours = query.get("message", "")
    message_id = int(ours) if re.fullmatch(r"[0-9]{1,16}", ours) else None
    kind = reported_kind(code) if state is DeliveryState.FAILED else ""
    return [DeliveryUpdate(f"status:{sid}:{word}:{code}", state, sid, message_id, code, kind)]


def said(form: Form, now_ms: int) -> list[Event]:
    """What a person said. The webhook carries no time, and comes within seconds: `now_ms` stands for it."""
    sid = form.get("MessageSid", "")
    if not sid:
        raise Unreadable("a message without MessageSid")
    media = _media(form, sid)
    location = _location(form)
    choice = form.get("ButtonPayload") or form.get("ListId")
    text = form.get("Body", "").strip()
    is_card = media is not None and media.content_type in _CARDS
    if media and media.file_name and media.file_name == text:
        text = ""
    empty = not (text or media or location or choice)
    return [
        InboundMessage(
            dedupe_key=sid,
            sender=_sender(form),
            provider_id=sid,
            sent_at_ms=now_ms,
            text=text,
            media=media,
            location=location,
            # WhatsApp's cards come as a file: who is on it is known once that was fetched.
            contact_card=ContactCard("") if is_card else None,
            choice=choice or None,
            reply_to=form.get("OriginalRepliedMessageSid") or None,
            unsupported=(form.get("MessageType") or "unknown")[:40] if empty else "",
            context={ours: form[theirs][:500] for theirs, ours in _ASIDE.items() if form.get(theirs)},
        )
    ]


def address(value: str) -> Identifier:
    """A `whatsapp:` address: a phone number, or a business-scoped id; raises `Unreadable`."""
    found = _ADDRESS.fullmatch(value)
    if not found:
        raise Unreadable("the sender is no WhatsApp address")
    return Identifier(PHONE, found[1]) if found[1] else Identifier(BUSINESS_ID, found[2])


def _sender(form: Form) -> Sender:
    names = [address(form.get("From", ""))]
    if re.fullmatch(r"[0-9]{5,20}", form.get("WaId", "")):
        names.append(Identifier(PHONE, f"+{form['WaId']}"))  # another spelling, as in Mexico and Brazil
    for field in ("ExternalUserId", "ParentExternalUserId"):
        with suppress(Unreadable):  # a name more or less is no reason not to hear somebody
            names.append(address(form.get(field, "")))
    names.sort(key=lambda name: name.kind != PHONE)  # a number is what we answer to, where there is one
    return Sender(tuple(dict.fromkeys(names)), form.get("ProfileName", ""))


def _media(form: Form, sid: str) -> Media | None:
    url = form.get("MediaUrl0", "")
    if not url:
        return None
    return media_of(url, form.get("MediaContentType0", ""), form.get("Body", "").strip(), sid)


def media_of(url: str, given_type: str, body: str, sid: str) -> Media:
    """A file that came in. Twilio names no files; a document's name may stand in the text."""
    content_type = given_type.partition(";")[0].strip().lower()
    kind = _KINDS.get(content_type.partition("/")[0], "document")
    if content_type in _VOICE:
        kind = "voice"
    elif content_type == "image/webp":
        kind = "sticker"  # photos are JPEG, however they were taken
    elif content_type in _CARDS:
        return Media(kind, url, content_type, f"{sid}.vcf")
    named = body if kind == "document" and _FILE_NAME.fullmatch(body) else ""
    return Media(kind, url, content_type, named)


def _location(form: Form) -> Location | None:
    if not (form.get("Latitude") and form.get("Longitude")):
        return None
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except ValueError:
        raise Unreadable("a location without coordinates") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Unreadable("a location that is nowhere on earth")
    return Location(latitude, longitude, form.get("Label", ""), form.get("Address", ""))
