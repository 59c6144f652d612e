"""For each fault the defences against it, and how each is taken out: file, exact text, what stands there then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defence:
    """One defence of the product, and the edit that removes it."""

    fault: str  #: the file is tests/faults/test_<fault>.py
    what: str
    file: str  #: below dispatcher/
    text: str  #: stands there exactly once
    instead: str


DEFENCES = (
    Defence(
        "silence_after_the_dot",
        "what nobody knows is in doubt",
        "domain/outcome.py",
        "Verdict.UNKNOWN: Signal.DOUBT",
        "Verdict.UNKNOWN: Signal.DEFER",
    ),
    Defence(
        "silence_after_the_dot",
        "after the dot only a reply decides",
        "channels/submission.py",
        "        return _unknown(str(exc))",
        "        return replies.out_of_step(str(exc))",
    ),
    Defence(
        "drop_before_the_dot",
        "without the dot nothing was sent",
        "channels/replies.py",
        "return Outcome(Verdict.DEFERRED, Cause.SMTP_PEER, escape(detail))",
        "return Outcome(Verdict.UNKNOWN, Cause.SMTP_PEER, escape(detail))",
    ),
    Defence(
        "early_5xx_in_data",
        "an early reply is read",
        "channels/submission.py",
        "return _Stopped(replies.negative(reply.code, reply.message))",
        'return _Stopped(replies.out_of_step("it spoke"))',
    ),
    Defence(
        "crash_after_claim",
        "what had not begun to leave goes back to the queue",
        "usecases/sweep.py",
        "Signal.DOUBT if left else Signal.REQUEUE",
        "Signal.DOUBT",
    ),
    Defence(
        "crash_after_claim",
        "a lease stands until it ends",
        "domain/schedule.py",
        "return need.now + policy.lease",
        "return need.now",
    ),
    Defence(
        "crash_before_the_dot",
        "recovery goes by the stage, not by age",
        "usecases/sweep.py",
        "left = attempt.stage is Stage.TRANSMITTING",
        "left = False",
    ),
    Defence(
        "crash_before_the_dot",
        "a transmission has a lease of its own",
        "usecases/dispatch.py",
        "now + office.policy.transmitting_lease",
        "now + office.policy.lease",
    ),
    Defence(
        "crash_after_the_dot",
        "recovery goes by the stage, not by age",
        "usecases/sweep.py",
        "left = attempt.stage is Stage.TRANSMITTING",
        "left = False",
    ),
    Defence(
        "report_before_record",
        "a record that comes too late is a report",
        "usecases/record.py",
        "if attempt.stage is Stage.CLOSED or seen.fence != attempt.fence or seen.state is not State.SENDING:",
        "if seen is None:",
    ),
    Defence(
        "same_report_thrice",
        "an event is kept once",
        "store/attempts.py",
        "    if (await connection.execute(select(evidence.c.id).where(same))).first():\n        return False\n",
        "    await connection.execute(select(evidence.c.id).where(same))\n",
    ),
    Defence(
        "report_for_an_older_try",
        "old bad news is only kept",
        "usecases/hear.py",
        "if attempt.fence != seen.fence and signal is not Signal.CONFIRM:",
        "if attempt is None:",
    ),
    Defence(
        "report_for_an_older_try",
        "old good news is proof",
        "usecases/hear.py",
        "if attempt.fence != seen.fence and signal is not Signal.CONFIRM:",
        "if attempt.fence != seen.fence:",
    ),
    Defence(
        "two_workers",
        "a lease that has ended gives no leave to send",
        "store/attempts.py",
        "where(mine, delivery.c.due > now, runs, present)",
        "where(mine, runs, present)",
    ),
    Defence(
        "contact_changed",
        "the last look before the dot is at the address too",
        "store/attempts.py",
        "where(mine, delivery.c.due > now, runs, present)",
        "where(mine, delivery.c.due > now, runs)",
    ),
    Defence(
        "contact_changed",
        "a waiting letter follows its contact",
        "usecases/follow.py",
        "        return await self._move(seen, target)",
        "        return []",
    ),
    Defence(
        "contact_changed",
        "what may have arrived there is not sent there again",
        "usecases/follow.py",
        '    return (heard[-1]["verdict"] if heard else attempt.verdict) in _NOTHING_ARRIVED',
        "    return True",
    ),
    Defence(
        "contact_changed",
        "proof from the first address stops the second letter",
        "usecases/hear.py",
        "            await _stop_replacements(connection, office, seen, source)",
        "            pass",
    ),
    Defence(
        "two_workers_one_spill",
        "a file that another worker has told is no fault",
        "usecases/record.py",
        "    except FileNotFoundError:\n        return []",
        "    except FileExistsError:\n        return []",
    ),
    Defence(
        "two_workers",
        "a living worker keeps its leases",
        "usecases/dispatch.py",
        "    if held:\n",
        "    if not held:\n",
    ),
    Defence(
        "stale_operator_click",
        "only a failure is retried",
        "usecases/operate.py",
        "    if seen.state is not State.FAILED:\n        raise",
        "    if seen is None:\n        raise",
    ),
    Defence(
        "stale_operator_click",
        "as many as were shown",
        "usecases/operate.py",
        "if expect is not None and len(found) != expect:",
        "if expect is not None and not found:",
    ),
    Defence(
        "stale_operator_click",
        "the plan that was shown",
        "usecases/launch.py",
        "if not known.plan.startswith(digest):",
        "if not digest:",
    ),
    Defence(
        "wrong_password",
        "a relay that lets nobody in closes its route",
        "channels/submission.py",
        "        pause_route=relay.name,\n",
        "",
    ),
    Defence(
        "wrong_password",
        "a closed route is tried with one letter",
        "usecases/dispatch.py",
        "route = closed.get(channel)",
        'route = closed.get("")',
    ),
    Defence(
        "relay_down_an_hour",
        "a relay that is away spends no try",
        "channels/submission.py",
        "        Verdict.UNSENT,\n        worst.cause,",
        "        Verdict.DEFERRED,\n        worst.cause,",
    ),
    Defence(
        "clock_set_back",
        "a stepped clock is found",
        "domain/clock.py",
        "if abs(step) > STEP_LIMIT:",
        "if step is None:",
    ),
    Defence(
        "disk_full",
        "the record is waited for",
        "usecases/dispatch.py",
        "        await office.store.write(\n            lambda connection: _mark(",
        "        office.store.write(\n            lambda connection: _mark(",
    ),
    Defence(
        "disk_full",
        "an outcome is kept beside the database",
        "usecases/record.py",
        "    await asyncio.to_thread(_spill, office.folder, attempt_id, outcome)\n",
        "",
    ),
    Defence(
        "disk_full",
        "a line that was cut is passed over",
        "usecases/record.py",
        "except (ValueError, KeyError, TypeError, Conflict, NotFound) as fault:",
        "except ZeroDivisionError as fault:",
    ),
    Defence(
        "disk_full",
        "an outcome begins a line of its own",
        "usecases/record.py",
        'f"\\n{line}\\n"',
        'f"{line}\\n"',
    ),
    Defence(
        "locked_database",
        "the record is waited for",
        "usecases/dispatch.py",
        "        await office.store.write(\n            lambda connection: _mark(",
        "        office.store.write(\n            lambda connection: _mark(",
    ),
    Defence(
        "edited_audit_row",
        "an entry is bound to its own words",
        "domain/audit.py",
        "if entry.hash != _hash(entry.seq, entry.at, entry.event, entry.prev):",
        "if entry is None:",
    ),
    Defence(
        "edited_audit_row",
        "the head beside the database must still stand",
        "domain/audit.py",
        "standing = kept is None",
        "standing = True",
    ),
    Defence(
        "edited_audit_row",
        "the database refuses an edit",
        "store/migrations/versions/0001_the_first_tables.py",
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT 1; END",
    ),
    Defence(
        "template_broken_after_preparing",
        "bytes out of the archive are checked",
        "archive.py",
        "if digest_of(data) != digest:",
        "if data is None:",
    ),
    Defence(
        "hostile_callback",
        "a callback is signed",
        "channels/simulator.py",
        "if not verify_callback(self._secret, stamp, signature, notice.body, self._now()):",
        "if stamp is None:",
    ),
    Defence(
        "hostile_callback",
        "an old signature is worth nothing",
        "domain/tokens.py",
        "return genuine and abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= window",
        "return genuine",
    ),
    Defence(
        "hostile_callback",
        "a gateway speaks of its own letters alone",
        "usecases/hear.py",
        "if outcome.verdict is Verdict.UNSENT or foreign:",
        "if outcome.verdict is Verdict.UNSENT:",
    ),
    Defence(
        "hostile_callback",
        "a huge body is cut short",
        "web/callbacks.py",
        "if size > LARGEST:",
        "if size < 0:",
    ),
)
