"""The opaque codes of our questions' choices: short, and worthless to whoever makes one up."""

import secrets

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def make_code(question_id: int) -> str:
    """A question's code: its id, by which it is found, and a secret, by which it is believed."""
    digits = ""
    while question_id:
        question_id, digit = divmod(question_id, 36)
        digits = _DIGITS[digit] + digits
    return f"{digits}-{secrets.token_urlsafe(6)}"


def question_id_in(choice: str) -> int | None:
    """The id in a choice that came back, whether or not that is one of ours: compare the whole code."""
    digits, dash, _ = choice.partition("-")
    if not dash or not 0 < len(digits) <= 11 or not digits.isascii() or not digits.isalnum():
        return None
    return int(digits, 36)
