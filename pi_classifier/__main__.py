"""`python -m pi_classifier` is the `pi-classifier` command."""

from pi_classifier.cli import main

main()
