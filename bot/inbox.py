"""Where events arrive: stored once, decided on, answered into the outbox, in one shared commit."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from bot import parties as people
from bot.changes import apply_change
from bot.cleaning import clean
from bot.clock import Clock
from bot.content import Content
from bot.database import Database
from bot.dialog import GUESSED_LANGUAGE, Dialog, MoveHere, Origin, Outcome, Reply, SetMode, Turn
from bot.draft import Draft
from bot.linking import link
from bot.moves import Moves
from bot.outbox import SendJob, TakeSlot, say
from bot.parties import Name, Party, Wanted, names_of
from bot.quarantine import keep
from bot.reports import apply_updates
from bot.seen import SeenEvents
from bot.sender import real_now_ms
from channels.message import (
    Capabilities,
    DeliveryUpdate,
    Event,
    InboundMessage,
    SealedEvent,
    UnreadableEvent,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event on its way into the database, with what features foresaw of it."""

    channel: str
    event: Event
    foresight: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What one event led to."""

    channel: str
    is_new: bool = False  # else it is a redelivery, and nothing happened
    jobs: tuple[SendJob, ...] = ()  # to be sent right now: their rows say so
    queued: bool = False  # there is more in the outbox than these jobs
    has_media: bool = False  # a file waits to be fetched
    tap_id: str | None = None  # a tap that the messenger wants acknowledged
    sealed: bool = False  # it has to be opened before anybody can act on it


class Inbox:
    """Takes events in. Whoever awaits `accept` may acknowledge them to the provider afterwards."""

    def __init__(
        self,
        database: Database,
        dialog: Dialog,
        content: Callable[[], Content],
        clock: Clock,
        seen: SeenEvents,
        capabilities: Mapping[str, Capabilities],
        take_slot: TakeSlot,
        committed: Callable[[Accepted], None],
        owner: int,
    ) -> None:
        self._dialog = dialog
        self._content = content
        self._clock = clock
        self._seen = seen
        self._capabilities = capabilities
        self._take_slot = take_slot
        self._owner = owner
        self._ids = database.ids
        self._accept = database.batched(self._take_in, partial(_tell, committed))

    async def accept(self, channel: str, events: Sequence[Event]) -> list[Accepted]:
        """Store events for good and act on those that are new.

        Returns when all of it is on disk; raises DatabaseUnavailable when it is not: then nothing is
        stored, and the provider has to come back.
        """
        arrivals = [self._arrival(channel, clean(event)) for event in events]
        if len(arrivals) == 1:
            return [await self._accept(arrivals[0])]
        return list(await asyncio.gather(*map(self._accept, arrivals)))

    def _arrival(self, channel: str, event: Event) -> Arrival:
        if not isinstance(event, InboundMessage):
            return Arrival(channel, event)
        try:
            return Arrival(channel, event, self._dialog.look_ahead(event))
        except Exception:
            log.exception("foresight.crashed", channel=channel)
            return Arrival(channel, event)

    def _take_in(self, connection: Connection, arrivals: list[Arrival]) -> list[Accepted]:
        moves = Moves(self._seen.hash)
        draft = Draft(self._ids, self._clock.now_ms(), real_now_ms(), self._owner, moves)
        keys = [(arrival.channel, arrival.event.dedupe_key) for arrival in arrivals]
        new = _first_of_each(keys, self._seen.first_time(connection, draft.now_ms, keys))
        fresh = [arrival for arrival, is_new in zip(arrivals, new, strict=True) if is_new]
        known = self._load_parties(connection, fresh, draft)
        woken = _take_reports(connection, draft, fresh)
        accepted = [
            self._act(connection, draft, known, arrival) if is_new else Accepted(arrival.channel)
            for arrival, is_new in zip(arrivals, new, strict=True)
        ]
        draft.flush(connection)
        if woken:
            return [replace(one, queued=one.queued or one.channel in woken) for one in accepted]
        return accepted

    def _load_parties(
        self, connection: Connection, arrivals: Sequence[Arrival], draft: Draft
    ) -> dict[Name, Party]:
        senders = [
            (arrival.channel, arrival.event.sender, isinstance(arrival.event, InboundMessage))
            for arrival in arrivals
            if not isinstance(arrival.event, DeliveryUpdate | SealedEvent | UnreadableEvent)
        ]
        messages = [a.event for a in arrivals if isinstance(a.event, InboundMessage)]
        names = [name for channel, sender, _ in senders for name in names_of(channel, sender)]
        names += draft.moves.look_up(connection, messages, draft.now_ms)
        wanted = Wanted.by(messages)
        known = people.load(connection, names, draft.now_ms, wanted)
        strangers = {
            names_of(channel, sender)[0]: (channel, sender)
            for channel, sender, speaks in senders
            if speaks and not any(name in known for name in names_of(channel, sender))
        }
        if strangers:
            people.create(connection, self._ids, list(strangers.values()), draft.now_ms)
            known |= people.load(connection, names, draft.now_ms, wanted)
        several = [(channel, sender) for channel, sender, _ in senders if len(sender.identifiers) > 1]
        for channel, sender in several:
            if link(connection, self._ids, known, channel, sender, draft.now_ms):
                known = people.load(connection, names, draft.now_ms, wanted)
        draft.moves.begin(connection, known, draft.now_ms)
        return known

    def _act(
        self, connection: Connection, draft: Draft, known: Mapping[Name, Party], arrival: Arrival
    ) -> Accepted:
        event = arrival.event
        accepted = Accepted(arrival.channel, is_new=True)
        if isinstance(event, DeliveryUpdate):
            return accepted  # taken with all others of the batch
        if isinstance(event, SealedEvent):
            draft.seal(arrival.channel, event)
            return replace(accepted, sealed=True)
        if isinstance(event, UnreadableEvent):
            keep(connection, self._ids, arrival.channel, event.reason, event.body, draft.now_ms)
            return accepted
        party = next((known[n] for n in names_of(arrival.channel, event.sender) if n in known), None)
        if party is None:
            return accepted
        draft.parties[party.conversation_id] = party
        if not isinstance(event, InboundMessage):
            draft.flush_messages(connection)
            apply_change(connection, party, event)
            return accepted
        unsent_before = len(draft.outbox)
        jobs = self._take_turn(draft, party, event, arrival.foresight)
        return replace(
            accepted,
            jobs=tuple(jobs),
            queued=len(draft.outbox) - unsent_before > len(jobs),
            has_media=event.media is not None,
            tap_id=event.tap_id,
        )

    def _take_turn(
        self, draft: Draft, party: Party, message: InboundMessage, foresight: Mapping[str, Any]
    ) -> list[SendJob]:
        content = self._content()
        message_id = draft.add_inbound(party, message)
        turn = _turn(draft, party, message, foresight, content, self._dialog)
        try:
            outcome = self._dialog.decide(turn)
            return self._carry_out(draft, party, outcome, turn.language, message_id)
        except Exception:
            # The message stays stored and the provider gets its 200: a poisonous message must not
            # come back for ever. A person sees to it.
            log.exception("turn.crashed", channel=party.channel, conversation=party.conversation_id)
            rescue = Outcome((Reply(turn.say("trouble")),), (SetMode("waiting", "crashed", urgent=True),))
            return self._carry_out(draft, party, rescue, turn.language, message_id)

    def _carry_out(
        self, draft: Draft, party: Party, outcome: Outcome, language: str, message_id: int
    ) -> list[SendJob]:
        for write in outcome.writes:
            if isinstance(write, MoveHere):
                self._move(draft, party, write)
            else:
                draft.apply(party, write, language, message_id)
        capabilities = self._capabilities[party.channel]
        return [
            job
            for reply in outcome.replies
            for job in say(draft, party, reply, capabilities, self._take_slot)
        ]

    def _move(self, draft: Draft, party: Party, write: MoveHere) -> None:
        origin = draft.moves.move(party, write.code, draft.now_ms)
        draft.parties[origin.conversation_id] = origin
        capabilities = self._capabilities.get(origin.channel)
        if capabilities:  # else that channel has left the configuration
            say(draft, origin, write.notice, capabilities, _queue)


def _take_reports(connection: Connection, draft: Draft, arrivals: Sequence[Arrival]) -> set[str]:
    """Take the batch's delivery reports; the channels that have something to send again."""
    reports: dict[str, list[DeliveryUpdate]] = {}
    for arrival in arrivals:
        if isinstance(arrival.event, DeliveryUpdate):
            reports.setdefault(arrival.channel, []).append(arrival.event)
    return {
        channel
        for channel, updates in reports.items()
        if apply_updates(connection, channel, updates, draft.now_ms, draft.real_now_ms)
    }


def _turn(
    draft: Draft,
    party: Party,
    message: InboundMessage,
    foresight: Mapping[str, Any],
    content: Content,
    dialog: Dialog,
) -> Turn:
    return Turn(
        now_ms=draft.now_ms,
        message=message,
        content=content,
        language=_language(party, content),
        channel=party.channel,
        mode=party.mode,
        contact_name=party.contact_name,
        stopped=party.stopped_at_ms is not None,
        stopped_at_ms=party.stopped_at_ms,
        language_chosen=party.language is not None,
        notice_version=party.notice_version,
        memory=party.memory,
        questions=tuple(party.questions),
        foresight=foresight,
        origin=_origin(draft.moves, party, message, content),
        answers=dialog.answers,
        targets=dialog.targets,
    )


def _language(party: Party, content: Content) -> str:
    guesses = (party.memory.get(GUESSED_LANGUAGE), party.language_hint)
    guess = next((one for one in guesses if one in content.organisation.languages), content.language)
    return party.language or guess


def _origin(moves: Moves, party: Party, message: InboundMessage, content: Content) -> Origin | None:
    origin = moves.origin(message)
    if origin is None:
        return None
    chosen = origin.language is not None
    return Origin(origin.channel, _language(origin, content), chosen, moves.are_one(origin, party))


def _queue(channel: str) -> bool:
    """Send nothing at once: whoever sends for that channel looks into the outbox every second."""
    return False


def _first_of_each(keys: Sequence[tuple[str, str]], unseen: set[tuple[str, str]]) -> list[bool]:
    """For each key whether it is new: a redelivery may stand in the same batch as its original."""
    new = []
    for key in keys:
        new.append(key in unseen)
        unseen.discard(key)
    return new


def _tell(committed: Callable[[Accepted], None], batch: list[Accepted]) -> None:
    for accepted in batch:
        committed(accepted)
