"""Tests of `pi_classifier.system`."""
