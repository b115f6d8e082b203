"""Folders of own classes: what a class may be called, which pictures it has, and how more of them are taken.

Whoever takes pictures, on the command line or in the browser, and whoever learns from them goes by the same rules.
"""
