"""Every kind of channel and its adapter, one line each."""

from channels.channel import Channel
from channels.telegram import TelegramChannel
from channels.threema import ThreemaChannel
from channels.twilio import TwilioChannel

CHANNEL_KINDS: dict[str, type[Channel]] = {
    TelegramChannel.kind: TelegramChannel,
    ThreemaChannel.kind: ThreemaChannel,
    TwilioChannel.kind: TwilioChannel,
}
