"""What the parts hand one another, and what each promises for it: values and protocols, each beside its value.

Nothing here does anything. A class that keeps a contract need not import it: protocols are structural, and the tests
hold every member of a family to the text here.
"""
