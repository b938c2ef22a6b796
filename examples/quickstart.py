"""Where should push end? Four positions of the decoupling point, with and without an outage.

Run it: ``python examples/quickstart.py``.
"""

import twin


def table(family="laptop", replications=8):
    """Return on-time share, stock value and loss in the outage by position, upstream first."""
    scenario = twin.load("electronics")
    found = {}
    for stage in ("components", "boards", "assembly", "dc"):
        key = f"families.{family}.decoupling_point"
        result = twin.run(scenario, replications=replications, set={key: stage})
        found[stage] = (result["on_time"], result["inventory_value"], result["loss_area"])
    return found


if __name__ == "__main__":
    print("laptops are kept as ...   on time   stock (USD)   days of service lost in the outage")
    for stage, (on_time, stock, lost) in table().items():
        print(f"  {stage:<22}{on_time:>9.1%}{stock:>14,.0f}{lost:>12.1f}")

    closer = twin.compare(
        "electronics", set={"families.laptop.decoupling_point": "assembly"}, replications=8
    )
    print()
    print(closer.summary(most=6))
