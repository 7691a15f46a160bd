"""The fake Threema's store of encrypted files."""


class Blobs:
    """Blobs by id. Each is there for one download, unless it was left to stay."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._stay: set[str] = set()
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._blobs)

    def keep(self, blob: bytes, *, stays: bool = False) -> str:
        """Keep a blob; its id."""
        self._last_id += 1
        blob_id = f"{self._last_id:032x}"
        self._blobs[blob_id] = blob
        if stays:
            self._stay.add(blob_id)
        return blob_id

    def take(self, blob_id: str) -> bytes | None:
        """Download a blob; None: there is none any more."""
        if blob_id in self._stay:
            return self._blobs[blob_id]
        return self._blobs.pop(blob_id, None)
