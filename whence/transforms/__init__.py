"""Derivatives of functions: gradients, products with Jacobians, Jacobians and Hessians."""
