"""The configuration of a WhatsApp sender at Twilio."""

import re

from pydantic import SecretStr, ValidationInfo, field_validator, model_validator

from channels.channel import ChannelConfig
from channels.twilio_api import API_URL
from channels.twilio_content import LONGEST_LIST_BUTTON

_SIDS = {"account_sid": "AC", "api_key_sid": "SK", "messaging_service_sid": "MG"}


class TwilioConfig(ChannelConfig):
    """The keys of a `[channels.NAME]` table of kind `twilio-whatsapp`."""

    account_sid: str
    auth_token: SecretStr
    previous_auth_token: SecretStr | None = None
    api_key_sid: str = ""
    api_key_secret: SecretStr | None = None
    sender: str = ""
    messaging_service_sid: str = ""
    shared_key: SecretStr = SecretStr("")
    list_button: str = "Menü / Menu"
    api_url: str = API_URL

    @field_validator("account_sid", "api_key_sid", "messaging_service_sid")
    @classmethod
    def _is_a_sid(cls, sid: str, info: ValidationInfo) -> str:
        begin = _SIDS[str(info.field_name)]
        if not re.fullmatch(rf"{begin}[0-9a-fA-F]{{32}}", sid) and (sid or begin == "AC"):
            raise ValueError(f"this is no sid of this kind: {begin} and 32 hexadecimal digits")
        return sid

    @field_validator("auth_token", "previous_auth_token", "api_key_secret", "shared_key")
    @classmethod
    def _is_a_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token and not re.fullmatch(r"[!-~]{0,256}", token.get_secret_value()):
            raise ValueError("this holds characters that no token of Twilio's has: copy it again")
        return token

    @field_validator("sender")
    @classmethod
    def _is_a_number(cls, sender: str) -> str:
        if sender and not re.fullmatch(r"whatsapp:\+[0-9]{5,20}", sender):
            raise ValueError('write the WhatsApp sender as "whatsapp:+14155238886"')
        return sender

    @field_validator("list_button")
    @classmethod
    def _fits_a_button(cls, words: str) -> str:
        if not 1 <= len(words) <= LONGEST_LIST_BUTTON:
            raise ValueError(f"a button has 1 to {LONGEST_LIST_BUTTON} characters")
        return words

    @field_validator("api_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+[^\s?#]*", url):
            raise ValueError('this is not a web address such as "https://api.twilio.com"')
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_whole(self) -> "TwilioConfig":
        if not self.auth_token.get_secret_value():
            raise ValueError("auth_token is missing: without it anybody could pose as Twilio")
        if not self.sender and not self.messaging_service_sid:
            raise ValueError('sender is missing (such as "whatsapp:+14155238886"), or messaging_service_sid')
        if bool(self.api_key_sid) != bool(self.api_key_secret):
            raise ValueError("api_key_sid and api_key_secret only work together")
        return self
