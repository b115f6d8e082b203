"""Tests against real servers and clients: each needs a program that a machine may lack, and says so."""
