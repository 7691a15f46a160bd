"""A Threema Gateway of our own on 127.0.0.1."""

from zuruf.demo.providers.threema.provider import GATEWAY_ID, PRIVATE_KEY, SECRET, FakeThreema

__all__ = ["GATEWAY_ID", "PRIVATE_KEY", "SECRET", "FakeThreema"]
