"""Tests of `pi_classifier.offline`."""
