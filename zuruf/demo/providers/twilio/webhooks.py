"""What the fake Twilio tells the gateway: what people write, and what became of its messages; signed."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlencode
from uuid import uuid4

from zuruf.demo.providers.couriers import Couriers, Parcel

RETRY_AFTER_S = 1.0
_NO_CONNECTION = "ct"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and after what a webhook is repeated: `#rc=3&rp=all` behind its configured address."""

    count: int = 1
    policies: frozenset[str] = frozenset({_NO_CONNECTION})

    @classmethod
    def of(cls, url: str) -> "Retries":
        """What an address asks for; else Twilio's defaults."""
        asked = parse_qs(urldefrag(url).fragment)
        count = int(asked["rc"][0]) if "rc" in asked else 1
        policies = asked["rp"][0].split(",") if "rp" in asked else [_NO_CONNECTION]
        return cls(min(count, 5), frozenset(policies))

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

    def tell(
        self,
        chat: str,
        what: str,
        form: Mapping[str, str],
        url: str = "",
        on_taken: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
        after_s: float = 0.0,
    ) -> None:
        """Post a form to `url`, else to the configured address; nothing where there is none."""
        target = urldefrag(url or self.url).url
        if not target:
            return
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": str(uuid4()),
            **self.signature(target, form),
        }
        body = urlencode(form).encode()
        self._couriers.send(Parcel(chat, what, target, body, headers, on_taken, on_lost), after_s)

    def signature(self, url: str, form: Mapping[str, str]) -> Mapping[str, str]:
        """The headers that prove the form to be Twilio's."""
        signed = (url + "".join(name + value for name, value in sorted(form.items()))).encode()
        key, digest = (self.shared_key, "sha256") if self.shared_key else (self._auth_token, "sha1")
        proof = b64encode(hmac.digest(key.encode(), signed, digest)).decode()
        if not self.shared_key:
            return {"X-Twilio-Signature": proof}
        settings = "key=webhooks_sharedkey_00000000000000000000000001,algorithm=HMAC_SHA256"
        return {"X-Twilio-Signature": proof, "X-Twilio-Webhooks-Signature-Settings": settings}

    def rule(self, failures: int, status: int) -> float | None:
        """Twilio's own rule of repeating, as the configured address changes it."""
        return Retries.of(self.url).wait_s(failures, status)
