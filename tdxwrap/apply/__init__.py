"""What is done: Step 7 of the recipe, from the key check to the validation."""
