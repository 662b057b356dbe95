"""What people do in training: one function per thing, each one transaction."""
