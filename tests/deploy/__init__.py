"""Tests of `deploy/`, what an operator of several machines takes from here."""
