"""What the command line needs: the terminal, tables of numbers, sentences, files."""
