"""The account's approved templates: what may be sent to people who wrote longer than a day ago."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.message import Template
from channels.twilio_api import Json, TwilioApi

MOST_PAGES = 10
PAGE_SIZE = 100


async def approved_templates(api: TwilioApi) -> list[Template]:
    """All that WhatsApp has approved, with their variables in order; at most 1,000."""
    url = f"{api.content_url}/v1/ContentAndApprovals"
    page = await api.get(url, {"PageSize": str(PAGE_SIZE)})
    found = [*_approved(page)]
    for _ in range(MOST_PAGES - 1):
        following = urlsplit(str((page.get("meta") or {}).get("next_page_url") or ""))
        if not following.query:
            break
        page = await api.get(f"{url}?{following.query}")  # always at the host that we know
        found += _approved(page)
    return found


def _approved(page: Json) -> Iterable[Template]:
    for content in page.get("contents") or ():
        approval = content.get("approval_requests") or {}
        if approval.get("status") == "approved":
            yield Template(
                id=str(content.get("sid")),
                name=str(approval.get("name") or content.get("friendly_name") or ""),
                language=str(content.get("language") or ""),
                category=str(approval.get("category") or "").lower(),
                text=_text(content.get("types") or {}),
                variables=_in_order(content.get("variables") or {}),
            )


def _text(types: Mapping[str, Any]) -> str:
    for shape in types.values():
        if isinstance(shape, dict) and (shape.get("body") or shape.get("title")):
            return str(shape.get("body") or shape.get("title"))
    return ""


def _in_order(variables: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(variables, key=lambda name: (len(name), name)))  # "2" before "10"
