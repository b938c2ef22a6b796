"""Simulation-based inference of what no event tells: policies, their parameters, unseen losses."""
