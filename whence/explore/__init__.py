"""Looking at graphs: pictures, and where a NaN came from."""
