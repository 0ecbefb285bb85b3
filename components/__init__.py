"""What can be built: component resources that read no configuration and look nothing up."""
