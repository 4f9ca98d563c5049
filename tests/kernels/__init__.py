"""Cells in real kernels."""
