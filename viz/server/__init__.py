"""What stands between the page and the network: the guard and the launcher."""
