"""What must be done: desired x live x record -> ordered steps. Pure: values in, values out."""
