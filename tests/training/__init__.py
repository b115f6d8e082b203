"""Tests of `pi_classifier.training`."""
