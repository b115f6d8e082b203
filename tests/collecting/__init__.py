"""Tests of `pi_classifier.collecting`."""
