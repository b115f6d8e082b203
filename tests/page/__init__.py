"""The live page's modules, and how they are checked."""
