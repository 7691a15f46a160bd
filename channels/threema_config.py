"""The configuration of a gateway id."""

import re

from pydantic import Field, SecretStr, field_validator

from channels.channel import ChannelConfig


class ThreemaConfig(ChannelConfig):
    """The keys of a `[channels.NAME]` table of kind `threema`."""

    gateway_id: str
    secret: SecretStr
    private_key: SecretStr | None = None
    low_credits: int = Field(default=100, ge=0)
    api_url: str = "https://msgapi.threema.ch"

    @field_validator("gateway_id")
    @classmethod
    def _is_a_gateway_id(cls, gateway_id: str) -> str:
        if not re.fullmatch(r"\*[0-9A-Z]{7}", gateway_id):
            raise ValueError('this is no gateway id: "*" and seven of A-Z and 0-9, such as "*MUSTER1"')
        return gateway_id

    @field_validator("secret")
    @classmethod
    def _is_a_secret(cls, secret: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]{1,256}", secret.get_secret_value()):
            raise ValueError("this is not the secret that gateway.threema.ch shows: copy it again")
        return secret

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        digits = key.get_secret_value().removeprefix("private:")
        if not re.fullmatch(r"[0-9a-fA-F]{64}", digits):
            raise ValueError("this is no private key: 64 hexadecimal digits")
        return SecretStr(digits.lower())

    @field_validator("api_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+[^\s?#]*", url):
            raise ValueError('this is not a web address such as "https://msgapi.threema.ch"')
        return url.rstrip("/")
