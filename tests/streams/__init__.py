"""Cameras on the network: real servers, a fake one with exact faults, and what stands between."""
