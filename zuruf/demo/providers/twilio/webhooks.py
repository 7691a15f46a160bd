"""What the fake Twilio tells the gateway: what people write, and what became of its messages; signed."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlencode
from uuid import uuid4

from zuruf.demo.providers.couriers import Couriers, Parcel

RETRY_AFTER_S = 1.0
MOST_RETRIES = 5
NOT_TAKEN = "11200"  # as the fallback address is told why it is called
_NO_CONNECTION = "ct"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and after what a webhook is repeated: `#rc=3&rp=all` behind its address."""

    count: int = 1
    policies: frozenset[str] = frozenset({_NO_CONNECTION})

    @classmethod
    def of(cls, url: str) -> "Retries":
        """What an address asks for; else Twilio's defaults."""
        asked = parse_qs(urldefrag(url).fragment)
        count = int(asked["rc"][0]) if "rc" in asked else cls().count
        policies = frozenset(asked["rp"][0].split(",")) if "rp" in asked else cls().policies
        return cls(min(count, MOST_RETRIES), policies)

    def wait_s(self, failures: int, status: int) -> float | None:
        """How long until the next try; None: there is none."""
        why = _NO_CONNECTION if status == 0 else f"{status // 100}xx"
        if failures >= self.count or not self.policies & {why, "all"}:
            return None
        return RETRY_AFTER_S


class Webhooks:
    """Signs forms and hands them to the couriers."""

    def __init__(self, couriers: Couriers, auth_token: str) -> None:
        self._couriers = couriers
        self._auth_token = auth_token
        self.shared_key = ""  # signs by SharedKey where set
        self.url = ""  # as configured for the sender in Twilio's console, with its retry settings
        self.fallback_url = ""  # called once where the other one does not take a message

    def bring_message(
        self, chat: str, form: Mapping[str, str], on_taken: Callable[[], None] = lambda: None
    ) -> None:
        """Post what a person did to the configured address, else to the fallback; then it is lost."""

        def fall_back() -> None:
            if self.fallback_url:
                why = {"ErrorCode": NOT_TAKEN, "ErrorUrl": urldefrag(self.url).url}
                self._post(chat, "fallback", self.fallback_url, {**form, **why}, on_taken)

        if self.url:
            self._post(chat, "message", self.url, form, on_taken, fall_back)

    def bring_status(self, chat: str, form: Mapping[str, str], url: str) -> None:
        """Post how far a message got to the address that came with it."""
        self._post(chat, f"status {form['MessageStatus']}", url, form)

    def _post(
        self,
        chat: str,
        what: str,
        url: str,
        form: Mapping[str, str],
        on_taken: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        target = urldefrag(url).url
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": str(uuid4()),  # the same for all tries
            **self.signature(target, form),
        }
        body = urlencode(form).encode()
        self._couriers.send(
            Parcel(chat, what, target, body, headers, on_taken, on_lost, Retries.of(url).wait_s)
        )

    def signature(self, url: str, form: Mapping[str, str]) -> Mapping[str, str]:
        """The headers that prove the form to be Twilio's."""
        signed = (url + "".join(name + value for name, value in sorted(form.items()))).encode()
        key, digest = (self.shared_key, "sha256") if self.shared_key else (self._auth_token, "sha1")
        proof = b64encode(hmac.digest(key.encode(), signed, digest)).decode()
        if not self.shared_key:
            return {"X-Twilio-Signature": proof}
        settings = "key=webhooks_sharedkey_00000000000000000000000001,algorithm=HMAC_SHA256"
        return {"X-Twilio-Signature": proof, "X-Twilio-Webhooks-Signature-Settings": settings}
