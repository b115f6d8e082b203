"""Tests of `pi_classifier.doctor`."""
