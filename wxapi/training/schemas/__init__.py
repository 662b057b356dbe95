"""The wire of training: what requests must look like, and what answers look like."""
