"""The twin in Mesa's own page: play, step and reset, sliders, plots.

Run it: ``solara run examples/solara_viz.py``. The pages of Mesa's documentation make their model at
the top of the file, where all users of the page share it; here it is made inside ``Page``, for each
user a new one. Plots are matplotlib's, which need nothing from the internet.
"""

import solara
from mesa.visualization import Slider, SolaraViz, make_plot_component

from agents import TwinModel

CUTS = ["components", "boards", "assembly", "dc"]


class Electronics(TwinModel):
    """The flagship with its chip outage on day 150; every reset makes it anew of these options."""

    def __init__(self, decoupling_point="boards", outage_days=45, seed=1):
        super().__init__(
            "electronics",
            seed=seed,
            set={
                "families.laptop.decoupling_point": decoupling_point,
                "disruptions.chip_outage.duration": outage_days,
            },
        )


PARAMETERS = {
    "decoupling_point": {
        "type": "Select", "label": "Decoupling point of the laptops", "value": "boards", "values": CUTS,
    },
    "outage_days": Slider("Chip outage, days", value=45, min=1, max=90, step=1),
    "seed": Slider("Luck", value=1, min=1, max=99, step=1),
}  # fmt: skip


def titled(text):
    """Return what Mesa calls with the axes of a plot."""
    return lambda ax: ax.set_title(text)


PLOTS = [
    make_plot_component("on_time", titled("Share on time so far"), backend="matplotlib"),
    make_plot_component("stock_value", titled("Value of all stock, USD"), backend="matplotlib"),
    make_plot_component("backlog", titled("Units owed to customers"), backend="matplotlib"),
]


@solara.component
def Page():
    """Show a model of one's own."""
    model = solara.use_memo(Electronics, [])
    SolaraViz(model, components=PLOTS, model_params=PARAMETERS, name="Push-pull twin")
