"""Teams: the fence around each."""
