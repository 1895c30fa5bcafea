"""A lead's memories, and questions that they answer: `recalling` measures with them."""
