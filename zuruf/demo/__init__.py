"""Everything on one machine without any account: sample content, fake providers and virtual phones."""

from pathlib import Path

SAMPLE_CONTENT = Path(__file__).parent / "content"
