"""Transforms of items."""
