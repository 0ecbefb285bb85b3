"""The machines layer: images, virtual machines and the rules that keep them apart."""
