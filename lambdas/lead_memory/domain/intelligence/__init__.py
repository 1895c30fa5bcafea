"""What models are asked about conversations, what of their answers is taken, and whether to ask at all."""
