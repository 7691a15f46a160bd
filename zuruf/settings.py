"""The settings as a whole. `config.example.toml` explains every key to those who set it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from channels.channel import Channel, ChannelConfig
from channels.registry import CHANNEL_KINDS
from zuruf.key_file import read_or_make_key
from zuruf.settings_errors import ConfigurationError, KeyPath, Problem, explain, key_path, unknown_key
from zuruf.settings_sections import (
    BroadcastsSettings,
    ConsoleSettings,
    FaqSettings,
    HandoffSettings,
    MailSettings,
    OrganisationSettings,
    Price,
    PrivacySettings,
    Section,
    ServerSettings,
    SignInSettings,
    StorageSettings,
)
from zuruf.settings_sources import Sources, read, variable_for
from zuruf.settings_values import Listen

__all__ = ["ConfigurationError", "Listen", "Settings", "check", "hash_key", "load"]

Model = TypeVar("Model", bound=BaseModel)
ChannelKinds = Mapping[str, type[Channel]]
_CHANNEL_NAME = re.compile(r"[a-z0-9-]{1,32}")
_NOT_USED_YET = {
    "mail",
    "sign_in",
    "prices",
    "broadcasts",
    "privacy.keep_messages_days",
    "privacy.keep_media_days",
}


class Settings(Section):
    """Everything that can be configured, checked."""

    organisation: OrganisationSettings = OrganisationSettings()
    server: ServerSettings = ServerSettings()
    console: ConsoleSettings = Field(ConsoleSettings(), validate_default=True)
    storage: StorageSettings = StorageSettings()
    channels: dict[str, ChannelConfig] = Field(default_factory=dict)
    faq: FaqSettings = FaqSettings()
    handoff: HandoffSettings = HandoffSettings()
    broadcasts: BroadcastsSettings = BroadcastsSettings()
    privacy: PrivacySettings = PrivacySettings()
    mail: MailSettings | None = None
    sign_in: SignInSettings = SignInSettings()
    prices: dict[str, dict[str, Price]] = Field(default_factory=dict)

    @field_validator("console")
    @classmethod
    def _has_its_own_port(cls, console: ConsoleSettings, others: ValidationInfo) -> ConsoleSettings:
        server = others.data.get("server")
        if server and console.listen.port and console.listen.port == server.listen.port:
            raise PydanticCustomError(
                "same_port",
                "has the port of server.listen; choose another one, so that the console stays private",
                {"below": "listen"},
            )
        return console

    def unused(self) -> list[str]:
        """The keys that were set although this version does nothing with them yet."""
        given = [".".join(path) for path, _ in _given(self)]
        return sorted(
            key
            for key in given
            if any(key == unused or key.startswith(f"{unused}.") for unused in _NOT_USED_YET)
        )

    def still_examples(self) -> list[str]:
        """The keys about the organisation that nobody has filled in: Zuruf would speak as somebody else."""
        examples = OrganisationSettings()
        keys = ("name", "imprint", "privacy_url")
        return [
            f"organisation.{key}" for key in keys if getattr(self.organisation, key) == getattr(examples, key)
        ]

    def secrets(self) -> list[str]:
        """Every secret value, for the logs to mask."""
        found = [value.get_secret_value() for _, value in _given(self) if isinstance(value, SecretStr)]
        urls = [self.storage.database, self.mail.smtp_url.get_secret_value() if self.mail else ""]
        return [*found, *filter(None, map(_password, urls))]


def load(path: Path | None, environ: Mapping[str, str], kinds: ChannelKinds = CHANNEL_KINDS) -> Settings:
    """The settings of a file, overridden by `environ`; raises ConfigurationError naming all problems."""
    return check(read(path, environ), kinds)


def check(sources: Sources, kinds: ChannelKinds = CHANNEL_KINDS) -> Settings:
    """The settings that `sources` describes; raises ConfigurationError naming all problems."""
    problems: list[Problem] = []
    values = dict(sources.values)
    tables = values.pop("channels", {})
    if isinstance(tables, dict):
        values["channels"] = _channels(tables, sources, kinds, problems)
    else:
        problems.append(sources.problem(("channels",), "must be a table, such as [channels.telegram]"))
    settings = _validated(Settings, values, (), sources, problems)
    if problems or settings is None:
        raise ConfigurationError(problems)
    return settings


def hash_key(settings: Settings) -> bytes:
    """The key for entries of people who must be recognised but not known; made once if not configured.

    It lies beside the SQLite file, or above the media folder when the database is elsewhere. Raises
    ConfigurationError where it can neither be read nor made.
    """
    if settings.privacy.hash_key:
        return settings.privacy.hash_key.get_secret_value().encode()
    path = settings.storage.key_file
    try:
        return read_or_make_key(path)
    except (OSError, ValueError) as error:
        message = f"cannot be used as key: {error}; mend it, or set privacy.hash_key"
        raise ConfigurationError([Problem(str(path), None, "", message)]) from None


def _channels(
    tables: dict[str, Any], sources: Sources, kinds: ChannelKinds, problems: list[Problem]
) -> dict[str, ChannelConfig]:
    configured: dict[str, ChannelConfig] = {}
    for name, table in tables.items():
        path = ("channels", name)
        if not _CHANNEL_NAME.fullmatch(name):
            message = "is not a channel's name; use 1 to 32 of the characters a-z 0-9 -"
            problems.append(sources.problem(path, message))
        model = _channel_model(path, table, sources, kinds, problems)
        config = _validated(model, table, path, sources, problems) if model else None
        if config:
            configured[name] = config
    return configured


def _channel_model(
    path: KeyPath, table: Any, sources: Sources, kinds: ChannelKinds, problems: list[Problem]
) -> type[ChannelConfig] | None:
    if not isinstance(table, dict):
        problems.append(sources.problem(path, f"must be a table: [{'.'.join(path)}]"))
        return None
    kind = table.get("kind")
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind].Config
    if kind is None:
        message = f"is missing; it says which messenger this is: {', '.join(sorted(kinds))}"
    elif not isinstance(kind, str):
        message = f"must be text in quotes: {', '.join(sorted(kinds))}"
    else:
        message = f'"{kind}" {unknown_key(kind, sorted(kinds))}'
    problems.append(sources.problem((*path, "kind"), message))
    return None


def _validated(
    model: type[Model], values: Any, above: KeyPath, sources: Sources, problems: list[Problem]
) -> Model | None:
    """`values` as a `model`, or None and what is wrong with them added to `problems`."""
    try:
        return model.model_validate(values)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False, include_input=False):
            path = (*above, *key_path(error))
            message = explain(error, model, variable_for(path))
            problems.append(sources.problem(path, message))
    return None


def _given(model: BaseModel, above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """The keys that were set, and to what."""
    for name in model.model_fields_set:
        path = (*above, type(model).model_fields[name].alias or name)
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _given(value, path)
        elif isinstance(value, dict):
            for key, below in value.items():
                yield from (
                    _given(below, (*path, key)) if isinstance(below, BaseModel) else [((*path, key), below)]
                )
        else:
            yield path, value


def _password(url: str) -> str:
    return unquote(urlsplit(url).password or "")
