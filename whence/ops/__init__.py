"""The ops, by kind: each one declaration of value and gradient."""
