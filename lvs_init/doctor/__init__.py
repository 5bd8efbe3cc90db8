"""What an LVS cluster silently fails of, told from what machines show. Pure: nothing is read here."""
