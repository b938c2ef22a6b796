"""Studies: a scenario run many times over, varied by design, under the same luck.

::

    found = twin.study("decoupling-under-outage", out="frontier")
    print(found.summary())
    found.frame()  # one row per design point and KPI
    found.differences(base={"cut": "dc"})  # paired, replication by replication

A study file names a scenario, factors, a design, replications or a precision, and KPIs
(:class:`twin.study.schema.StudyFile`). Everything in it is checked before the first run. Results
are kept part by part, so the same call goes on after a stop of any kind.
"""

from twin.study.files import shipped
from twin.study.intervals import bootstrap, cvar, wilson
from twin.study.ready import ready_made
from twin.study.result import Study, opened
from twin.study.running import study
from twin.study.schema import StudyFile

__all__ = [
    "Study",
    "StudyFile",
    "bootstrap",
    "cvar",
    "opened",
    "ready_made",
    "shipped",
    "study",
    "wilson",
]
