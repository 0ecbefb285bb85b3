"""Stand-ins for the official provider plugins: they record what they are asked, and touch nothing else."""
