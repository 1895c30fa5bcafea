"""What each part is compared with: the code that a good engineer writes in an afternoon, readable on its own."""
