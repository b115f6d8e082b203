"""What happened that is worth keeping: who decides it, who carries it, and who writes it down."""
