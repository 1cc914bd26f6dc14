"""Scripts are run by DeZero, or as programs of their own."""

collect_ignore = ["record.py", "scripts"]
