"""The design at 20,000 events and 50,000 resolves a second, on paper: simulated, and compared with AWS's limits."""
