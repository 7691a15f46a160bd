"""The people we share a box with: their public keys, fetched once, and the boxes made of them."""

from collections import OrderedDict

from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey

from channels.errors import SendError, SendErrorKind, Unreadable
from channels.threema_api import ThreemaApi

MOST_BOXES = 4096  # in this process; keys are kept for good


class Peers:
    """Our key, and the boxes to those whose public key is at hand; making one costs ten times its use."""

    def __init__(self, private_key: bytes, api: ThreemaApi) -> None:
        self._private_key = PrivateKey(private_key)
        self._api = api
        self._boxes: OrderedDict[str, Box] = OrderedDict()

    @property
    def public_key(self) -> bytes:
        """Ours, as it must be known to Threema."""
        return bytes(self._private_key.public_key)

    async def known(self, threema_id: str) -> Box | None:
        """The box to somebody, if their key was fetched before."""
        if box := self._boxes.get(threema_id):
            self._boxes.move_to_end(threema_id)
            return box
        key = await self._api.known_key(threema_id)
        return self._made(threema_id, key) if key else None

    async def box(self, threema_id: str) -> Box:
        """The box to somebody; raises `SendError` where their key cannot be had."""
        try:
            known = await self.known(threema_id)
            return known or self._made(threema_id, await self._api.public_key(threema_id))
        except Unreadable:
            raise SendError(SendErrorKind.PERMANENT_RECIPIENT, code="weak key", scope="recipient") from None

    def _made(self, threema_id: str, public_key: bytes) -> Box:
        try:
            box = self._boxes[threema_id] = Box(self._private_key, PublicKey(public_key))
        except CryptoError:  # a key such as all zeros, with which anybody could read everything
            raise Unreadable("the key of the other side protects nothing") from None
        while len(self._boxes) > MOST_BOXES:
            self._boxes.popitem(last=False)
        return box

    def __repr__(self) -> str:
        return "Peers"
