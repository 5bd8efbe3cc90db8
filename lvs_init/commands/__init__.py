"""What the system's tools are told and what they answer: argv built and text parsed, nothing run."""
