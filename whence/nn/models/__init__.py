"""Whole models, each in a file to read: ``from whence.nn.models.gpt import GPT``."""
