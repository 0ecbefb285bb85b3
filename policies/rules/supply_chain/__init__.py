"""Rules on what runs and where it comes from: images, charts and their signatures."""
