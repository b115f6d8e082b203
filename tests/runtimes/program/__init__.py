"""Judging TorchScript archives."""
