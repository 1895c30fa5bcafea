"""Measure on a local stack, price, and write docs/cost.md: `python -m bench.cost`."""

from bench.cost.experiment import experiment
from bench.cost.page import page
from bench.cost.priced import read_assumptions, read_prices
from bench.ground import own_ground
from infra.stages import PROD
from local.state import PROJECT

PAGE = PROJECT / "docs" / "cost.md"


def main() -> None:
    assumed, prices = read_assumptions(), read_prices()
    with own_ground(quick=False) as ground:
        measured = experiment(ground, PROD, assumed)
    PAGE.write_text(page(measured, PROD, assumed, prices))
    print(f"wrote {PAGE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
