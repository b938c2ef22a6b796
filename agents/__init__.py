"""The Mesa face of the twin: one agent per site and per device, as thin windows on rows.

::

    from agents import TwinModel

    with TwinModel("electronics", seed=7) as model:
        model.run(30)
        print(model.sites["dc_europe"].stock)
        print(model.datacollector.get_model_vars_dataframe())

A policy of one's own for one site is a subclass of :class:`SiteAgent` with its own ``decide``, or
a function given to :meth:`TwinModel.set_policy`.

``mesa.batch_run`` takes the model as it is; parameters are keywords of :class:`TwinModel`, edits of
the scenario by dotted key included::

    mesa.batch_run(
        TwinModel,
        parameters={
            "scenario": "electronics",
            "families.laptop.decoupling_point": ["dc", "market"],
            "seed": range(5),
            "close_at_end": True,
        },
    )

A scenario object, a dict or any other iterable goes into a list of one there, because Mesa takes
iterables apart. With ``close_at_end`` each model frees its arrays as soon as it has reached the
horizon, and its collected data stay. Repeat a run by ``seed``, not by ``iterations``: the same seed
is the same luck. For more than some hundred runs use :func:`twin.run`, which makes no models.
"""

from agents.device import DeviceAgent
from agents.model import TwinModel
from agents.reporters import REPORTERS
from agents.site import SiteAgent
from agents.stock import StockPoint

__all__ = ["REPORTERS", "DeviceAgent", "SiteAgent", "StockPoint", "TwinModel"]
