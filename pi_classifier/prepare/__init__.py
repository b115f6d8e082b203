"""Weights to one portable file, and the folder where such files are kept. The only place that knows torchvision.

It is needed once; afterwards `run` lives on the prepared file and its runtime alone.
"""
