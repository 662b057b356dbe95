"""What is on the wire: schemas, JSON, and the files."""
