"""What is live: the recipe's commands as typed calls."""
