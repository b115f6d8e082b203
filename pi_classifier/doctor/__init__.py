"""What is wrong: with this machine (`doctor`), and with a running daemon (`health`)."""
