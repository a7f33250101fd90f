"""What can happen to one request and its answer between a client and a server.

An effect is a function of an :class:`~tests.tcp_faults.exchange.Exchange`. Where a kill is tried by
position in the protocol, the effect calls a function of the test: before the request is delivered,
when it is delivered, or when it is answered.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from tests.tcp_faults.exchange import Exchange, end_of_headers

Effect = Callable[[Exchange], None]
_GARBAGE = b"\x16\x03\x01\x02\x00\xff\xfe<html>no HTTP\r\n\r\n"


class Place(enum.Enum):
    """Where in an answer something happens: so many of its bytes have arrived."""

    NOWHERE = enum.auto()  # not one
    STATUS_LINE = enum.auto()
    HEADERS = enum.auto()
    END_OF_HEADERS = enum.auto()
    BODY = enum.auto()
    LAST_BYTE = enum.auto()  # which is missing

    def of(self, answer: bytes) -> int:
        """Return how many bytes of ``answer`` come before this place."""
        body = end_of_headers(answer)
        places = {
            Place.NOWHERE: 0,
            Place.STATUS_LINE: 7,
            Place.HEADERS: (answer.index(b"\r\n") + body) // 2,
            Place.END_OF_HEADERS: body,
            Place.BODY: (body + len(answer)) // 2,
            Place.LAST_BYTE: len(answer) - 1,
        }
        return places[self]


def pass_on(exchange: Exchange) -> None:
    """Pass request and answer on as they are."""
    exchange.deliver(exchange.forward())


def drop_request(exchange: Exchange) -> None:
    """Reset the connection; the server never sees the request."""
    exchange.reset()


def cut(place: Place) -> Effect:
    """Do the work, deliver the answer up to ``place``, and close the connection."""

    def act(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.deliver(answer[: place.of(answer)])
        exchange.close()

    return act


def reset(place: Place) -> Effect:
    """Do the work, deliver the answer up to ``place``, and reset the connection."""

    def act(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.deliver(answer[: place.of(answer)])
        exchange.reset()

    return act


def half_open(place: Place) -> Effect:
    """Do the work, deliver the answer up to ``place``, then stay open and silent."""

    def act(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.deliver(answer[: place.of(answer)])
        exchange.stay_silent()

    return act


def drip(*, size: int, delay_s: float) -> Effect:
    """Deliver the answer in pieces of ``size`` bytes with pauses between them."""

    def act(exchange: Exchange) -> None:
        answer = exchange.forward()
        for start in range(0, len(answer), size):
            exchange.deliver(answer[start : start + size])
            exchange.pause(delay_s)

    return act


def garbage(exchange: Exchange) -> None:
    """Do the work, answer what is no HTTP, and close the connection."""
    exchange.forward()
    exchange.deliver(_GARBAGE)
    exchange.close()


def idle_close(exchange: Exchange) -> None:
    """Answer, then close the connection without having said so: the next request meets it."""
    exchange.deliver(exchange.forward())
    exchange.close()


def before_delivery(do: Callable[[], object]) -> Effect:
    """Call ``do`` when the request was sent; the server never sees it."""

    def act(exchange: Exchange) -> None:
        do()
        exchange.reset()

    return act


def on_delivery(do: Callable[[], object]) -> Effect:
    """Call ``do``, then let the server do the work, whose answer nobody hears."""

    def act(exchange: Exchange) -> None:
        do()
        exchange.forward()
        exchange.reset()

    return act


def after_answer(do: Callable[[], object]) -> Effect:
    """Let the server do the work, and call ``do`` while its answer is on the way."""

    def act(exchange: Exchange) -> None:
        answer = exchange.forward()
        do()
        exchange.deliver(answer)

    return act
