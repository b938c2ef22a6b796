"""The phases of one period, one file each; ``twin.kernel`` calls them in order."""
