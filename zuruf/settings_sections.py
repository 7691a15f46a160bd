"""The tables of the configuration file, each a model of its own."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from zuruf.settings_values import (
    DatabaseUrl,
    Hours,
    Languages,
    Listen,
    ListenAt,
    MailAddress,
    MailAddresses,
    PublicUrl,
    QuietHours,
    SmtpUrl,
    Timezone,
    WebAddress,
)

SHORTEST_HASH_KEY = 32


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_HASH_KEY:
        raise ValueError(
            f"must have {SHORTEST_HASH_KEY} characters at least; make one with `openssl rand -hex 32`"
        )
    return secret


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganisationSettings(Section):
    """`[organisation]`: who speaks."""

    name: Annotated[str, Field(min_length=1)] = "Musterzucker AG"
    imprint: Annotated[str, Field(min_length=1)] = "Musterzucker AG, Rübenweg 1, 12345 Musterstadt"
    privacy_url: WebAddress = "https://example.org/datenschutz"
    languages: Languages = ("de", "en")
    timezone: Timezone = "Europe/Berlin"


class ServerSettings(Section):
    """`[server]`: what messengers call."""

    listen: ListenAt = Listen("127.0.0.1", 8080)
    public_url: PublicUrl = "http://127.0.0.1:8080"


class ConsoleSettings(Section):
    """`[console]`: what people open."""

    listen: ListenAt = Listen("127.0.0.1", 8081)
    public_url: PublicUrl = "http://127.0.0.1:8081"


class StorageSettings(Section):
    """`[storage]`: where everything is kept. Relative paths start at the working directory."""

    database: DatabaseUrl = Field(default="sqlite:///data/zuruf.db", repr=False)  # may contain a password
    media: Path = Path("data/media")

    @property
    def sqlite_path(self) -> Path | None:
        """The database's file, if it is one."""
        return Path(self.database.removeprefix("sqlite:///")) if self.database.startswith("sqlite:") else None

    @property
    def key_file(self) -> Path:
        """Where a key that is not configured is kept: beside the SQLite file, else above the media."""
        database = self.sqlite_path
        return database.with_name(f"{database.name}.key") if database else self.media.parent / "zuruf.key"


class FaqSettings(Section):
    """`[faq]`."""

    answer_precision: Annotated[float, Field(ge=0.5, lt=1)] = 0.95


class HandoffSettings(Section):
    """`[handoff]`."""

    hours: Hours = "Mo-Fr 07:00-17:00"


class BroadcastsSettings(Section):
    """`[broadcasts]`."""

    quiet_hours: QuietHours = "20:00-08:00"
    late_grace_minutes: Annotated[int, Field(ge=0)] = 60


class PrivacySettings(Section):
    """`[privacy]`."""

    keep_messages_days: Annotated[int, Field(ge=1)] = 180
    keep_media_days: Annotated[int, Field(ge=1)] = 90
    hash_key: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None


class MailSettings(Section):
    """`[mail]`: alarms, notifications, sign-in links."""

    smtp_url: SmtpUrl
    sender: MailAddress = Field(alias="from")
    to: MailAddresses = ()


class OidcSettings(Section):
    """`[sign_in.oidc]`: sign-in through the organisation's own accounts."""

    issuer: WebAddress
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Annotated[SecretStr, Field(min_length=1)]


class SignInSettings(Section):
    """`[sign_in]`."""

    oidc: OidcSettings | None = None


Price = Annotated[float, Field(ge=0)]
