"""Progressive delivery, the half that only thinks: which weight next, when to look, what the figures say.

    strategy     the `rollout:` section of pipeline.yaml -> Strategy
    machine      (strategy, status, now) -> the next action; (strategy, status, event) -> the next status
    analysis     figures of the canary and of the stable release -> one verdict for the whole release
    exact, latency, alarms   what the verdict is made of

This room may not do I/O: no AWS, no clock, no chance. Who drives it (asks for the next action, carries it out, records
the event) passes in the time and the figures. A status and a strategy are values that the ledger keeps, so whoever
comes next, after a crash or by a scheduled run, goes on with the same action.
"""
