"""compile: one eager run, recorded, becomes a program of native kernels.

The rooms, from the ground up: ``llvm`` (text in LLVM's language to machine code).
"""
