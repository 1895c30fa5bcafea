"""What the product costs on AWS: `python -m bench.cost` measures, prices and writes docs/cost.md."""
