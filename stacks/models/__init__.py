"""Models of the organisation's files; their JSON Schemas are generated into `stacks/schemas`."""
