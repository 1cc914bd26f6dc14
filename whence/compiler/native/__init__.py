"""The whole compiled program is one native call: launch tables, a pool of threads, the call itself."""
