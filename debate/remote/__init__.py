"""What others have built, in an OCI registry."""
