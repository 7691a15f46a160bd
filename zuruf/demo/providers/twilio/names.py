"""What Twilio calls the things that the fake provider holds."""

from zuruf.demo.providers.chats import Chat, ChatMessage

_FILES = frozenset({"photo", "voice", "video", "audio", "document"})


def sid_of(message: ChatMessage) -> str:
    """A message's id for its whole life: MM with a file, else SM."""
    kinds = message.content.keys()
    has_file = kinds & _FILES or ("contact" in kinds and not message.from_bot)  # a card comes as a file
    return f"{'MM' if has_file else 'SM'}{message.message_id:032x}"


def address_of(chat: Chat) -> str:
    """A person as `From` and `To` name them: by number, or by id if they hide it."""
    return f"whatsapp:{chat.address or chat.also_known_as}"
