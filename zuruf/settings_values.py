"""The kinds of values that settings have, each with an error that says how to write it."""

import re
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, SecretStr
from rapidfuzz import fuzz, process

from handoff.hours import OpeningHours, parse_range

_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):(?P<port>\d{1,5})")
_SQLITE = re.compile(r"sqlite:///(?P<path>[^\s?#][^?#]*)")
_MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LANGUAGE = re.compile(r"[a-z]{2}")
MOST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a door listens. Port 0: any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Listen":
        """From "host:port"; raises ValueError."""
        found = _LISTEN.fullmatch(text.strip())
        if not found:
            raise ValueError('must be "host:port", such as "127.0.0.1:8080" or "[::1]:8080"')
        if int(found["port"]) > MOST_PORT:
            raise ValueError(f"has port {found['port']}, but ports end at {MOST_PORT}")
        return cls(found["host"].strip("[]"), int(found["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def closest(word: str, known: list[str]) -> str | None:
    """The known word that `word` is most likely a slip of."""
    found = process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=60)
    return found[0] if found else None


def _split(text: str, cure: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # is read only when asked for
    except ValueError:
        raise ValueError(f"is not an address; {cure}") from None
    return parts


def _web_address(text: str) -> str:
    cure = 'write it as "https://bot.example.org"'
    parts = _split(text, cure)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", text):
        raise ValueError(f"is not a web address; {cure}")
    if parts.username or parts.password:
        raise ValueError(f"must not contain a user or password; {cure}")
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(_web_address(text))
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError('must end before "?" and "#": paths are added to it')
    if text.endswith("/"):
        raise ValueError('must not end with "/": paths are added to it')
    return text


def _database(text: str) -> str:
    if text.startswith("sqlite:"):
        found = _SQLITE.fullmatch(text)
        if not found or found["path"] == ":memory:":
            raise ValueError(
                'must name a file: "sqlite:///data/zuruf.db", or "sqlite:////srv/zuruf.db" from the root'
            )
        return text
    cure = 'write "sqlite:///data/zuruf.db" or "postgresql://user:password@host/database"'
    if not re.match(r"postgres(ql)?://", text):
        raise ValueError(f"is no database that Zuruf knows; {cure}")
    parts = _split(
        text, 'characters such as "/", "#", "[" or "@" in a password are written as %2F, %23, %5B, %40'
    )
    if parts.fragment:
        raise ValueError('contains "#", which ends the address; in a password it is written as %23')
    if not parts.path.strip("/"):
        raise ValueError(f"does not name the database; {cure}")
    if not parts.hostname and "host=" not in parts.query:
        raise ValueError(f"does not name the host; {cure}")
    return re.sub(r"^postgres(ql)?", "postgresql", text)


def _timezone(text: str) -> str:
    zones = available_timezones()
    if text not in zones:
        near = closest(text, sorted(zones))
        raise ValueError(
            f'is not a timezone; did you mean "{near}"?'
            if near
            else 'is not a timezone; write "Europe/Berlin"'
        )
    ZoneInfo(text)
    return text


def _hours(text: str) -> str:
    try:
        OpeningHours.parse(text)
    except ValueError as error:
        raise ValueError(f'is not understood: {error}; write it as "Mo-Fr 07:00-17:00" or "24/7"') from None
    return text


def _quiet_hours(text: str) -> str:
    try:
        parse_range(text, may_pass_midnight=True)
    except ValueError as error:
        raise ValueError(f'is not understood: {error}; write it as "20:00-08:00"') from None
    return text


def _mail_address(text: str) -> str:
    if not _MAIL_ADDRESS.fullmatch(text):
        raise ValueError('is not a mail address; write it as "zuruf@example.org"')
    return text


def _smtp_url(secret: SecretStr) -> SecretStr:
    cure = 'write it as "smtp://user:password@mail.example.org:587", or smtps:// for port 465'
    parts = _split(secret.get_secret_value(), cure)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError(f"is not a mail server; {cure}")
    return secret


def _languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    if not languages:
        raise ValueError('must name at least one language, such as ["de"]')
    for language in languages:
        if not _LANGUAGE.fullmatch(language):
            raise ValueError(f'contains "{language}"; a language is two small letters, such as "de"')
    if len(set(languages)) < len(languages):
        raise ValueError("names a language twice")
    return languages


def _comma_separated(value: Any) -> Any:
    """The environment has no lists: "de,en"."""
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


def _parsed_listen(value: Any) -> Any:
    return Listen.parse(value) if isinstance(value, str) else value


ListenAt = Annotated[Listen, BeforeValidator(_parsed_listen)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Hours = Annotated[str, AfterValidator(_hours)]
QuietHours = Annotated[str, AfterValidator(_quiet_hours)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
MailAddresses = Annotated[tuple[MailAddress, ...], BeforeValidator(_comma_separated)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
Languages = Annotated[tuple[str, ...], AfterValidator(_languages), BeforeValidator(_comma_separated)]
