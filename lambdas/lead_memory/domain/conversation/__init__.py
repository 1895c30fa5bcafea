"""What is remembered of conversations, and how an agent's context is made of it. Every function here is pure."""
