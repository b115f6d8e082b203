"""Of `cameras`: several network cameras at once, by this project and by what people usually build."""
