"""Where f may be asked: directions as sparse rows, and how far x may move along them."""
