"""What people text to the clinic's number, read as they mean it."""

import pytest

from chalicelib.domain.keywords import Command, Keyword, read

STOPS = (
    "STOP",
    "stop",
    " Stop. ",
    "STOP!!!",
    "Please stop",
    "stop all",
    "StopAll",
    "unsubscribe",
    "Cancel",
    "END",
    "Quit",
)
SPANISH_STOPS = ("ALTO", "alto.", "¡Alto!", "Parar", "PARE por favor", "Cancelar", "No más", "NO MAS MENSAJES", "fin")


@pytest.mark.parametrize(
    "text", [*STOPS, "opt-out", "revoke", "stop texting me", "Stop, please", "stop\n", "\uff33\uff34\uff2f\uff30"]
)
def test_stop_is_heard_in_whatever_form(text: str) -> None:
    assert read(text) == Keyword(Command.STOP, "en")


@pytest.mark.parametrize("text", SPANISH_STOPS)
def test_stop_is_heard_in_spanish(text: str) -> None:
    assert read(text) == Keyword(Command.STOP, "es")


@pytest.mark.parametrize(
    ("text", "command", "language"),
    [
        ("HELP", Command.HELP, "en"),
        ("info?", Command.HELP, "en"),
        ("Ayuda", Command.HELP, "es"),
        ("Información", Command.HELP, "es"),
        ("Informacio\u0301n", Command.HELP, "es"),
        ("START", Command.START, "en"),
        ("unstop", Command.START, "en"),
        ("Inicio", Command.START, "es"),
    ],
)
def test_help_and_start_are_heard(text: str, command: Command, language: str) -> None:
    assert read(text) == Keyword(command, language)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "?", "C", "yes", "Sí", "don't stop", "Can you stop by at 5?", "I need help with my arm", "stopp", "S"],
)
def test_an_ordinary_sentence_commands_nothing(text: str) -> None:
    assert read(text) is None


def test_a_very_long_text_commands_nothing_and_costs_nothing() -> None:
    assert read("stop " * 100_000) is None
