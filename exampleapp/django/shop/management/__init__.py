"""What the shop can be told to do."""
