"""The hall's own part of the dialog, registered like any feature's."""

from bot import answers, attachments, language, menu, moving, rights
from bot.content import TEXT
from bot.dialog import Place
from bot.feature import Feature
from bot.menu_content import MENU
from bot.small_talk import small_talk


def core() -> Feature:
    """Rights, moving, answers, menu, language, attachments and small talk."""
    return Feature(
        name="bot",
        content=(TEXT, MENU),
        steps=(
            (Place.RIGHTS, rights.rights),
            (Place.RIGHTS, moving.moving),
            (Place.ADDRESSED_ANSWER, answers.addressed),
            (Place.BARE_ANSWER, answers.bare),
            (Place.BARE_ANSWER, answers.undo),
            (Place.MENU, language.language),
            (Place.MENU, menu.menu),
            (Place.MENU, menu.ask_back),
            (Place.FIELD_CASE, attachments.attachments),
            (Place.SMALL_TALK, small_talk),
        ),
        answers={
            menu.MENU: menu.answered,
            language.LANGUAGE: language.answered,
            attachments.ATTACHMENT: attachments.answered,
            rights.DATA_COPY: rights.data_request_answered,
            rights.DATA_ERASURE: rights.data_request_answered,
            rights.OBJECTION: rights.objection_answered,
        },
        targets={"language": language.ask, "move": moving.give_code, "privacy": rights.privacy},
    )
