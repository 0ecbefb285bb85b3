"""What is built where: one deploy function per layer, and the models of the organisation's files."""
