"""Routes at work: faults are counted, closed ones looked at without a letter, paused and opened by people. All audited.

The rules stand in `domain.routes`; which letters a closed route keeps back, in `ways`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.channels.base import Channel
from dispatcher.domain import routes as rules
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import NotFound, Problem, UserError
from dispatcher.domain.model import Actor
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.routes import Route
from dispatcher.domain.words import Cause, RouteState, Verdict
from dispatcher.store import audit, routes

from .office import Office

CLOCK = Actor("clock")

#: A route as it is told, with the channel that it belongs to: 'smtp' for a mail server, its own name for a gateway.
__all__ = ["Route", "RouteView", "list_routes", "look", "look_at_closed", "note_routes", "open_again", "pause"]


@dataclass(frozen=True, slots=True)
class RouteView:
    name: str
    channels: tuple[str, ...]
    route: Route | None  #: None: open, and nothing is remembered of it


# -- what letters tell of their routes ---------------------------------------------------------------------------------


async def note_routes(connection: AsyncConnection, office: Office, outcome: Outcome, actor: Actor) -> None:
    """Count what this try found out about the routes it met. What it says of the letter is somebody else's affair."""
    faults = [(name, Cause(cause), words) for name, cause, words in outcome.passed]
    if outcome.pause_route:
        faults.append((outcome.pause_route, outcome.cause, outcome.detail))
    if not faults and not outcome.route:
        return
    known = await routes.every(connection)
    for name, cause, words in faults:
        now = office.clock.now()
        await _keep(connection, office, known.get(name), rules.failed(known.get(name), name, cause, words, now), actor)
    if rules.answered(known.get(outcome.route)):
        await _reopen(connection, office, known[outcome.route], actor)


async def _keep(
    connection: AsyncConnection, office: Office, before: Route | None, after: Route | None, actor: Actor
) -> None:
    if after is None:
        return
    await routes.put(connection, after)
    if after.state is not RouteState.OPEN:
        await _audit(connection, office, actor, after.state.value, before, after)


async def _reopen(connection: AsyncConnection, office: Office, known: Route, actor: Actor, reason: str = "") -> None:
    await routes.forget(connection, known.name)
    if known.state is not RouteState.OPEN:
        after = Route(known.name, RouteState.OPEN, office.clock.now())
        await _audit(connection, office, actor, "open", known, after, reason)


async def _audit(
    connection: AsyncConnection,
    office: Office,
    actor: Actor,
    word: str,
    before: Route | None,
    after: Route,
    reason: str = "",
) -> None:
    data = {"cause": after.cause.value, "until": after.until.isoformat() if after.until else ""}
    event = AuditEvent(
        str(actor),
        f"route.{word}",
        f"route:{after.name}",
        before=before.state.value if before else RouteState.OPEN.value,
        after=after.state.value,
        reason=reason,
        data={name: value for name, value in data.items() if value},
    )
    await audit.append(connection, event, office.clock.now())


# -- looks: a connection without a letter ------------------------------------------------------------------------------


async def look_at_closed(office: Office) -> int:
    """Look at every closed route whose time has come; how many. Two workers never look at one at the same time."""
    known = await office.store.read(routes.every)
    if not any(one.look_is_due(office.clock.now()) for one in known.values()):
        return 0
    due = await office.store.write(lambda connection: _begin_looks(connection, office))
    for one in due:
        await look(office, one.name, CLOCK)
    return len(due)


async def _begin_looks(connection: AsyncConnection, office: Office) -> list[Route]:
    now = office.clock.now()
    due = [one for one in (await routes.every(connection)).values() if one.look_is_due(now)]
    for one in due:
        await routes.put(connection, replace(one, until=now + rules.LOOK_LEASE))
    return due


async def look(office: Office, name: str, actor: Actor) -> tuple[Outcome, Route | None]:
    """Knock at a route now; what it said, and how the route stands then. Raises NotFound.

    A closed one that lets us in takes one letter on trial. One that is open or paused stays what it is.
    """
    channel, inner = _find(office, name)
    outcome = await channel.probe(inner)

    async def unit(connection: AsyncConnection) -> Route | None:
        known, now = (await routes.every(connection)).get(name), office.clock.now()
        if known is None or known.state is not RouteState.CLOSED:
            return known
        fit = outcome.verdict is Verdict.ACCEPTED
        after = rules.let_in(known, now) if fit else rules.in_vain(known, outcome.cause, outcome.detail, now)
        await _keep(connection, office, known, after, actor)
        return after

    return outcome, await office.store.write(unit)


def _find(office: Office, name: str) -> tuple[Channel, str]:
    """The channel of a route, and the route's name within it ('' for the whole channel). Raises NotFound."""
    if name in office.channels:
        return office.channels[name], ""
    for channel in office.channels.values():
        if name in channel.routes:
            return channel, name
    raise NotFound(f"there is no mail server or gateway '{name}'; routes list shows them")


# -- what people do ----------------------------------------------------------------------------------------------------


async def list_routes(office: Office) -> list[RouteView]:
    """Every way out of the settings, and what is still remembered of one that is no longer in them."""
    known = await office.store.read(routes.every)
    inner = {name: _of(office, name) for channel in office.channels.values() for name in channel.routes}
    own = {name: (name,) for name in office.channels if not office.channels[name].routes or name in known}
    names = {**inner, **own, **{name: () for name in known if name not in inner and name not in own}}
    return [RouteView(name, channels, known.get(name)) for name, channels in names.items()]


def _of(office: Office, route: str) -> tuple[str, ...]:
    return tuple(name for name, channel in office.channels.items() if route in channel.routes)


async def pause(office: Office, name: str, reason: str, actor: Actor) -> Route:
    """No letter goes by it until a person opens it again. Raises NotFound, UserError without a reason."""
    _find(office, name)
    if not reason.strip():
        raise UserError(Problem("reason", "a route is paused only with a reason", "Say why.", "E_REASON"))

    async def unit(connection: AsyncConnection) -> Route:
        known, now = (await routes.every(connection)).get(name), office.clock.now()
        after = rules.paused(known, name, reason, str(actor), now)
        await routes.put(connection, after)
        await _audit(connection, office, actor, "pause", known, after, reason)
        return after

    return await office.store.write(unit)


async def open_again(office: Office, name: str, reason: str, actor: Actor) -> bool:
    """Letters go by it again, at once; False when they did already. Raises NotFound."""

    async def unit(connection: AsyncConnection) -> bool:
        known = (await routes.every(connection)).get(name)
        if known is None:
            _find(office, name)
            return False
        was_open = known.state is RouteState.OPEN
        await _reopen(connection, office, known, actor, reason)
        return not was_open

    return await office.store.write(unit)
