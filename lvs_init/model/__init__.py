"""What things are: frozen values without effects."""
