"""SciPy's names for functions that NumPy's protocols cannot reach."""
