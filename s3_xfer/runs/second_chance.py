"""The second try of what failed for a temporary reason, when everything else is done.

After a pause, and slowly: what failed was perhaps too much for the server. Whatever keeps an object
from its second try, it is recorded as it had failed.
"""

from __future__ import annotations

from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.ledger.second_chance import DEFERRED_MAX
from s3_xfer.model import CopyTask, NotAttempted
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.runs.execution import Execution
from s3_xfer.sources.second_chance import BATCH, SecondChanceSource
from s3_xfer.units import plural

PAUSE_S = 5.0
_CHANNEL_BATCHES = 2


def try_again(
    processor: Processor[CopyTask],
    *,
    ledger: Ledger,
    requests: RequestPolicy,
    notes: list[str],
    grace_s: float,
) -> bool:
    """Try what ``ledger`` has deferred once more; return whether all threads have ended.

    Every object has an outcome then. ``notes`` tell how many get no second try. Does not raise.
    """
    tasks = ledger.deferred()
    if ledger.declined:
        notes.append(
            f"{plural(ledger.declined, 'object')} failed for a temporary reason beyond the "
            f"{DEFERRED_MAX:,} that are tried once more"
        )
    source = SecondChanceSource(tasks, requests.wait)
    all_ended = True
    if tasks and not requests.stop.is_set():
        requests.log.info(
            "%s that failed for a temporary reason: tried again", plural(len(tasks), "object")
        )
        if requests.wait(PAUSE_S):
            all_ended = _execution(source, ledger, requests).run(processor, grace_s=grace_s)
    for task in source.left():
        ledger.record_late(NotAttempted(task))
    return all_ended


def _execution(
    source: SecondChanceSource, ledger: Ledger, requests: RequestPolicy
) -> Execution[CopyTask, CopyTask]:
    executor: Executor[CopyTask] = Executor(
        capacity=_CHANNEL_BATCHES, stop=requests.stop, on_error=ledger.abort
    )
    return Execution(
        source,
        executor,
        plan=lambda batch: batch.items,
        not_attempted=lambda task: ledger.record_late(NotAttempted(task)),
        ledger=ledger,
        stop=requests.stop,
        batch_size=BATCH,
    )
