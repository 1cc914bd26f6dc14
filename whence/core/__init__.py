"""The seed, complete: what a Variable is, what made it, and the walk back."""
